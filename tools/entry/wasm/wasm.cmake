# ENTRY_WASM: the engine of vmcheck as WebAssembly, for who includes this. It needs clang and lld; without
# them the file is empty, and the page says so.
set(ENTRY_WASM ${CMAKE_BINARY_DIR}/generated/entry.wasm)
find_program(WASM_CLANG clang)
find_program(WASM_LD wasm-ld)
if(NOT WASM_CLANG OR NOT WASM_LD)
    file(WRITE ${ENTRY_WASM} "")
    return()
endif()

# What decides, but for what reads options and files, and the self-test.
set(pure "$<TARGET_PROPERTY:pure_host,SOURCES>")
set(pure "$<FILTER:${pure},INCLUDE,/vmx/|/lib/(format|json|packed|wrapped)|/tools/(capability|entry)/>")
set(pure "$<FILTER:${pure},EXCLUDE,/selftest/|/(options|find|quirks|vmentry_context)[.]c>")
set(own browser.c library.c ../answer.c ../../capability/corpus.c)
list(TRANSFORM own PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/vmx/*.h ${CMAKE_SOURCE_DIR}/vmx/*.def
     ${CMAKE_SOURCE_DIR}/lib/*.h ${CMAKE_SOURCE_DIR}/tools/*.h ${CMAKE_SOURCE_DIR}/tools/*.def)
# %l is 64 bits wide in lib/format.c, long is not: no word about formats.
add_custom_command(
    OUTPUT ${ENTRY_WASM}
    COMMAND ${WASM_CLANG} --target=wasm32 -std=gnu11 -ffreestanding -nostdlib -O2 -Wno-format
            "-DROOTMODE_VERSION=\"${PROJECT_VERSION}\"" -isystem ${CMAKE_CURRENT_LIST_DIR}
            -I${CMAKE_SOURCE_DIR} -I${CMAKE_BINARY_DIR}/generated ${pure} ${own} ${CORPUS_ROWS}
            -o ${ENTRY_WASM} -Wl,--no-entry -Wl,--gc-sections -Wl,--strip-all
            -Wl,-z,stack-size=1048576
    DEPENDS ${pure} ${own} corpus vmentry_texts.inc finding_texts.inc ${headers}
    COMMAND_EXPAND_LISTS VERBATIM)
