# SPDX-License-Identifier: MIT
# Completion scripts, which shells find under these names. The program prints them itself.
function(install_completions program)
    if(CMAKE_CROSSCOMPILING)
        return()
    endif()
    foreach(place bash:bash-completion/completions/${program} zsh:zsh/site-functions/_${program}
            fish:fish/vendor_completions.d/${program}.fish)
        string(REPLACE ":" ";" place ${place})
        list(GET place 0 shell)
        list(GET place 1 path)
        set(file ${CMAKE_CURRENT_BINARY_DIR}/completion/${path})
        get_filename_component(directory ${path} DIRECTORY)
        add_custom_command(OUTPUT ${file}
            COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/completion/${directory}
            COMMAND ${program} completion ${shell} > ${file} VERBATIM)
        list(APPEND completions ${file})
        install(FILES ${file} DESTINATION ${CMAKE_INSTALL_DATADIR}/${directory})
    endforeach()
    add_custom_target(${program}-completions ALL DEPENDS ${completions})
endfunction()
