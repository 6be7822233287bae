// SPDX-License-Identifier: Apache-2.0
// The profile that is part of the binary. DRYDOCK_PROFILE_618 is its path, given by the build.
asm(".pushsection .rodata\n"
    ".balign 16\n"
    ".globl drydock_profile_618_begin\n"
    ".globl drydock_profile_618_end\n"
    "drydock_profile_618_begin:\n"
    ".incbin \"" DRYDOCK_PROFILE_618 "\"\n"
    "drydock_profile_618_end:\n"
    ".byte 0\n"
    ".popsection\n");
