#include "lib/format.h"

#include "lib/string.h"

static void text_buffer_write(struct sink *sink, const char *text, size_t length)
{
    struct text_buffer *buffer = (struct text_buffer *)sink;
    size_t room = buffer->size - 1 - buffer->length;
    size_t fits = length < room ? length : room;

    memcpy(buffer->text + buffer->length, text, fits);
    buffer->length += fits;
    buffer->text[buffer->length] = '\0';
    buffer->lost += length - fits;
}

void text_buffer_init(struct text_buffer *buffer, char *text, size_t size)
{
    *buffer = (struct text_buffer){.sink = {text_buffer_write}, .text = text, .size = size};
    text[0] = '\0';
}

/* One conversion as the format spells it. */
struct conversion {
    bool left, zero, alternate;
    int width;
    int precision; /* of %s; -1: none given */
    bool wide;     /* l, ll or z: 64 bits */
};

static void fill(struct sink *sink, char c, int count)
{
    while (count-- > 0)
        sink->write(sink, &c, 1);
}

/* Prefix, zeros and text, with blanks up to the width. */
static void put_padded(struct sink *sink, const struct conversion *how, const char *prefix,
                       int zeros, const char *text, size_t length)
{
    size_t prefix_length = strlen(prefix);
    int padding = how->width - (int)prefix_length - zeros - (int)length;

    if (!how->left)
        fill(sink, ' ', padding);
    sink->write(sink, prefix, prefix_length);
    fill(sink, '0', zeros);
    sink->write(sink, text, length);
    if (how->left)
        fill(sink, ' ', padding);
}

static void put_number(struct sink *sink, const struct conversion *how, uint64_t value,
                       unsigned base, const char *prefix)
{
    char text[20];
    char *end = text + sizeof(text), *start = end;
    int zeros = 0;

    do {
        *--start = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (how->zero && !how->left)
        zeros = how->width - (int)strlen(prefix) - (int)(end - start);
    put_padded(sink, how, prefix, zeros > 0 ? zeros : 0, start, (size_t)(end - start));
}

/* Width or precision: a number, or * for an argument. Returns what follows it. */
static const char *take_count(const char *format, va_list *arguments, int *count)
{
    if (*format == '*') {
        *count = va_arg(*arguments, int);
        return format + 1;
    }
    *count = 0;
    for (; *format >= '0' && *format <= '9'; format++)
        *count = *count * 10 + (*format - '0');
    return format;
}

/* Flags, width, precision and length. Returns what follows them. */
static const char *take_prefix(const char *format, va_list *arguments, struct conversion *how)
{
    *how = (struct conversion){.precision = -1};
    for (; *format == '-' || *format == '0' || *format == '#'; format++) {
        how->left |= *format == '-';
        how->zero |= *format == '0';
        how->alternate |= *format == '#';
    }
    format = take_count(format, arguments, &how->width);
    if (*format == '.')
        format = take_count(format + 1, arguments, &how->precision);
    for (; *format == 'l' || *format == 'z'; format++)
        how->wide = true;
    return format;
}

/* The conversion whose letter is `letter`; false if there is none of that name. */
static bool convert(struct sink *sink, const struct conversion *how, char letter,
                    va_list *arguments)
{
    switch (letter) {
    case 'd': {
        int64_t value = how->wide ? va_arg(*arguments, int64_t) : va_arg(*arguments, int);

        put_number(sink, how, value < 0 ? -(uint64_t)value : (uint64_t)value, 10,
                   value < 0 ? "-" : "");
        return true;
    }
    case 'u':
    case 'x':
        put_number(sink, how,
                   how->wide ? va_arg(*arguments, uint64_t) : va_arg(*arguments, unsigned),
                   letter == 'u' ? 10 : 16, how->alternate && letter != 'u' ? "0x" : "");
        return true;
    case 'c': {
        char c = (char)va_arg(*arguments, int);

        put_padded(sink, how, "", 0, &c, 1);
        return true;
    }
    case 's': {
        const char *text = va_arg(*arguments, const char *);

        if (text == NULL)
            text = "(null)";
        put_padded(sink, how, "", 0, text,
                   how->precision < 0 ? strlen(text) : strnlen(text, (size_t)how->precision));
        return true;
    }
    case '%':
        sink->write(sink, "%", 1);
        return true;
    default:
        return false;
    }
}

void vprint_to(struct sink *sink, const char *format, va_list arguments)
{
    va_list left;

    va_copy(left, arguments);
    while (*format != '\0') {
        const char *percent = strchr(format, '%');
        size_t plain = percent == NULL ? strlen(format) : (size_t)(percent - format);
        struct conversion how;
        const char *letter;

        if (plain > 0)
            sink->write(sink, format, plain);
        if (percent == NULL)
            break;
        letter = take_prefix(percent + 1, &left, &how);
        if (*letter != '\0' && convert(sink, &how, *letter, &left)) {
            format = letter + 1;
        } else {
            sink->write(sink, percent, (size_t)(letter - percent));
            format = letter;
        }
    }
    va_end(left);
}

void print_to(struct sink *sink, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vprint_to(sink, format, arguments);
    va_end(arguments);
}

size_t format_text(char *text, size_t size, const char *format, ...)
{
    struct text_buffer buffer;
    char nothing[1];
    va_list arguments;

    text_buffer_init(&buffer, size > 0 ? text : nothing, size > 0 ? size : sizeof(nothing));
    va_start(arguments, format);
    vprint_to(&buffer.sink, format, arguments);
    va_end(arguments);
    return buffer.length + buffer.lost;
}
