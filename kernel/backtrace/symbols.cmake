# An image of the core, these rooms, and those that they say they need.
function(rootmode_image image symbols)
    set(linked "")
    set(wanted ${ARGN})
    while(wanted)
        list(POP_FRONT wanted room)
        if(NOT room IN_LIST linked)
            list(APPEND linked ${room})
            get_property(needed GLOBAL PROPERTY ROOTMODE_NEEDS_${room})
            list(APPEND wanted ${needed})
        endif()
    endwhile()
    add_executable(${image} ${symbols})
    list(TRANSFORM linked PREPEND room_)
    target_link_libraries(${image} PRIVATE core_objects ${linked})
    target_link_options(${image} PRIVATE ${ROOTMODE_KERNEL_TARGET} ${ROOTMODE_KERNEL_LINKER}
                        -nostdlib -static -Wl,--build-id=none
                        -L${CMAKE_SOURCE_DIR} -Wl,-T,${CMAKE_SOURCE_DIR}/linker.ld
                        -Wl,--nmagic -Wl,-z,noexecstack -Wl,--gc-sections
                        -Wl,--fatal-warnings)
    set_target_properties(${image} PROPERTIES LINK_DEPENDS
                          "${CMAKE_SOURCE_DIR}/linker.ld;${CMAKE_SOURCE_DIR}/lib/sets.ld")
endfunction()

# Links the core alone, with each room, and the whole kernel twice: the first link gives the addresses of all functions, the second holds the
# table of them (kernel/backtrace/backtrace.h). The build fails if the table has moved any.
function(rootmode_link)
    set(generated ${CMAKE_BINARY_DIR}/generated)
    set(script ${CMAKE_SOURCE_DIR}/tools/gen_symbols.py)
    add_custom_target(rootmode_with_each_room)
    file(MAKE_DIRECTORY ${generated})
    file(CONFIGURE OUTPUT ${generated}/no_symbols.S
         CONTENT "    .section .symbols, \"a\"\n    .balign 4\n    .long 0\n")

    get_property(rooms GLOBAL PROPERTY ROOTMODE_ROOMS)
    rootmode_image(rootmode_first.elf ${generated}/no_symbols.S ${rooms})
    rootmode_image(rootmode.elf ${generated}/symbols.S ${rooms})
    rootmode_image(rootmode-core.elf "")
    foreach(room ${rooms})
        rootmode_image(rootmode-with-${room}.elf ${generated}/no_symbols.S ${room})
        set_target_properties(rootmode-with-${room}.elf PROPERTIES EXCLUDE_FROM_ALL ON)
        add_dependencies(rootmode_with_each_room rootmode-with-${room}.elf)
    endforeach()

    add_custom_command(
        OUTPUT ${generated}/symbols.S
        COMMAND ${CMAKE_NM} -n $<TARGET_FILE:rootmode_first.elf> > ${generated}/first.nm
        COMMAND ${Python3_EXECUTABLE} ${script} ${generated}/first.nm
                --output ${generated}/symbols.S
        DEPENDS rootmode_first.elf ${script} ${CMAKE_SOURCE_DIR}/tools/gen_texts.py
        VERBATIM)
    add_custom_command(
        TARGET rootmode.elf POST_BUILD
        COMMAND ${CMAKE_NM} -n $<TARGET_FILE:rootmode.elf> > ${generated}/second.nm
        COMMAND ${Python3_EXECUTABLE} ${script} ${generated}/first.nm
                --same ${generated}/second.nm
        VERBATIM)
endfunction()
