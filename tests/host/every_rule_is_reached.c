/*
 * every_rule_is_reached DIRECTORY: fails if a rule of vmx/findings.def stands in none of the files
 * that the rule tests have written there (tests/host/rule_coverage.h).
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "vmx/finding.h"

static bool reached[RULE_COUNT];

static void mark_rules_of(const char *directory, const char *name)
{
    char path[4096], line[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "r");
    if (!file) {
        perror(path);
        return;
    }
    while (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        for (int rule = 0; rule < RULE_COUNT; rule++) {
            if (!strcmp(line, rule_table[rule].name))
                reached[rule] = true;
        }
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    int missing = 0;
    DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;

    if (!directory) {
        fprintf(stderr, "usage: every_rule_is_reached DIRECTORY\n");
        return 2;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] != '.')
            mark_rules_of(argv[1], entry->d_name);
    }
    closedir(directory);
    for (int rule = 0; rule < RULE_COUNT; rule++) {
        if (!reached[rule]) {
            printf("no test reaches the rule %s\n", rule_table[rule].name);
            missing++;
        }
    }
    printf("%d of %d rules are reached\n", RULE_COUNT - missing, RULE_COUNT);
    return missing ? 1 : 0;
}
