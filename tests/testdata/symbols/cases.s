 .section .note.GNU-stack,"",@progbits
 .text
 .globl main
 .type main,@function
main: ret
 .skip 31
 .size main, 32
local_label: .skip 16
 .globl hidden_label
 .hidden hidden_label
hidden_label: .skip 16
label_after_hidden: .skip 16
 .type function_without_size,@function
function_without_size: .skip 16
 .globl outer
 .type outer,@function
outer: .skip 20
label_within: .skip 20
 .type function_within,@function
function_within: .skip 4
 .size function_within, 4
 .skip 56
 .size outer, .-outer
 .globl alias, __alias, longest_alias
 .weak weak_alias
 .type alias,@function
 .type __alias,@function
 .type longest_alias,@function
 .type weak_alias,@function
alias:
__alias:
longest_alias:
weak_alias:
 .skip 16
 .size alias,16
 .size __alias,16
 .size longest_alias,16
 .size weak_alias,16
empty_alias_1:
empty_alias_2:
 .type empty_alias_3,@function
empty_alias_3: .skip 16
 .globl _ZN1n1AIiEC1Ei, _ZN1n1AIiEC2Ei
 .type _ZN1n1AIiEC1Ei,@function
 .type _ZN1n1AIiEC2Ei,@function
_ZN1n1AIiEC1Ei:
_ZN1n1AIiEC2Ei: .skip 16
 .size _ZN1n1AIiEC1Ei,16
 .size _ZN1n1AIiEC2Ei,16
 .type object_in_text,@object
object_in_text: .skip 16
 .size object_in_text,8
 .section .elsewhere,"ax",@progbits
label_elsewhere: .skip 16
 .type function_elsewhere,@function
function_elsewhere: .skip 16
 .section .other_text.x,"ax",@progbits
label_other: .skip 16
 .size label_other,12
"$x": .skip 16
"$d.1": .skip 16
 .section .unloaded_text,"",@progbits
label_unloaded: .skip 64
 .type function_unloaded,@function
function_unloaded: .skip 64
 .size function_unloaded,64
 .data
label_data: .skip 16
 .bss
label_bss: .skip 32
 .type object_bss,@object
object_bss: .skip 32
 .size object_bss,32
 .globl absolute_function
 .type absolute_function,@function
 absolute_function = 0x1234
 .globl absolute_object
 .type absolute_object,@object
 absolute_object = 0x1150
