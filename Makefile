# SPDX-License-Identifier: Apache-2.0
# The two commands of a newcomer are `make demo` and `make test`; both install what is missing
# (scripts/install-dependencies, Debian packages), configure, build and run.
# PRESET=debug|asan|clang|release chooses the build (CMakePresets.json).

PRESET ?= release
BUILD  := build/$(PRESET)
JOBS   ?= $(shell nproc)

.PHONY: all demo test test-long test-asan fuzz bench compare selftests compare-selftests format tidy dependencies configure build clean

all: build

dependencies:
	@scripts/install-dependencies

configure: dependencies
	@test -f $(BUILD)/build.ninja || cmake --preset $(PRESET)

build: configure
	@cmake --build $(BUILD) -j $(JOBS)

demo: build
	@scripts/demo $(BUILD)

# With the kernel's selftests where their sources can be had (a 140 MB package, once), else without.
test: selftests
	@scripts/run-tests $(BUILD)

# What takes longer than a quick run: more random programs, more mutations.
test-long: selftests
	@DRYDOCK_LONG=1 scripts/run-tests $(BUILD)

# The suite again with address and undefined-behaviour sanitizers.
test-asan:
	@$(MAKE) --no-print-directory PRESET=asan test

# A million mutated programs under the sanitizers, two hundred thousand beside the running kernel: hours.
fuzz: build
	@test -f build/asan/build.ninja || cmake --preset asan
	@cmake --build build/asan -j $(JOBS) --target drydock_fuzz
	@cmake --build $(BUILD) -j $(JOBS) --target drydock_fuzz
	@scripts/fuzz build/asan $(BUILD)

bench: build
	@scripts/bench $(BUILD)

# Our corpus beside the running kernel and two in virtual machines; TARGETS=host,vm:7.2 chooses.
compare: build
	@scripts/compare $(BUILD) corpus $(TARGETS)

# The kernel's own selftests: compiled (build/selftests), and beside a real kernel.
selftests: build
	@scripts/build-selftests build/selftests $(BUILD)/drydock; status=$$?; [ $$status -eq 77 ] || exit $$status

compare-selftests: selftests
	@scripts/compare $(BUILD) selftests $(or $(TARGETS),vm:6.18)

format:
	@scripts/format

tidy: build
	@scripts/install-dependencies --with-tidy
	@git ls-files '*.cc' | xargs clang-tidy-19 -p $(BUILD) --quiet

clean:
	@rm -rf build
