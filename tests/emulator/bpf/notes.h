/* SPDX-License-Identifier: Apache-2.0 */
/* How a program notes what it returns on a real kernel, in the tags of the kernel's selftests. */
#pragma once

#define NOTE(text) __attribute__((btf_decl_tag("comment:test_" text)))
#define RETURNS(value) NOTE("expect_success") NOTE("retval=" #value)
#define __arena __attribute__((address_space(1)))
