# Writes a C file that holds the bytes of INPUT as `const char NAME[]` and its size as NAME_size.
file(READ ${INPUT} bytes HEX)
string(LENGTH "${bytes}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "#include <stddef.h>\n
extern const char ${NAME}[];\nextern const size_t ${NAME}_size;\n
const char ${NAME}[] = { ${bytes} 0 };\nconst size_t ${NAME}_size = ${size};\n")
