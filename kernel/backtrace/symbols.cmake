# Links the core alone, and the whole kernel twice: the first link gives the addresses of all functions, the second holds the
# table of them (kernel/backtrace/backtrace.h). The build fails if the table has moved any.
function(rootmode_link)
    set(generated ${CMAKE_BINARY_DIR}/generated)
    set(script ${CMAKE_SOURCE_DIR}/tools/gen_symbols.py)
    file(MAKE_DIRECTORY ${generated})
    file(CONFIGURE OUTPUT ${generated}/no_symbols.S
         CONTENT "    .section .symbols, \"a\"\n    .balign 4\n    .long 0\n")

    add_executable(rootmode_first.elf ${generated}/no_symbols.S)
    add_executable(rootmode.elf ${generated}/symbols.S)
    add_executable(rootmode-core.elf)
    target_link_libraries(rootmode_first.elf PRIVATE room_objects)
    target_link_libraries(rootmode.elf PRIVATE room_objects)
    foreach(image rootmode_first.elf rootmode.elf rootmode-core.elf)
        target_link_libraries(${image} PRIVATE core_objects)
        target_link_options(${image} PRIVATE -nostdlib -static -no-pie -Wl,--build-id=none
                            -L${CMAKE_SOURCE_DIR} -Wl,-T,${CMAKE_SOURCE_DIR}/linker.ld -Wl,-z,max-page-size=4096
                            -Wl,-z,noexecstack -Wl,--gc-sections -Wl,--fatal-warnings)
        set_target_properties(${image} PROPERTIES LINK_DEPENDS
                              "${CMAKE_SOURCE_DIR}/linker.ld;${CMAKE_SOURCE_DIR}/lib/sets.ld")
    endforeach()

    add_custom_command(
        OUTPUT ${generated}/symbols.S
        COMMAND ${CMAKE_NM} -n $<TARGET_FILE:rootmode_first.elf> > ${generated}/first.nm
        COMMAND ${Python3_EXECUTABLE} ${script} ${generated}/first.nm
                --output ${generated}/symbols.S
        DEPENDS rootmode_first.elf ${script}
        VERBATIM)
    add_custom_command(
        TARGET rootmode.elf POST_BUILD
        COMMAND ${CMAKE_NM} -n $<TARGET_FILE:rootmode.elf> > ${generated}/second.nm
        COMMAND ${Python3_EXECUTABLE} ${script} ${generated}/first.nm
                --same ${generated}/second.nm
        VERBATIM)
endfunction()
