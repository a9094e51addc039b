# Sluice. `make help` lists the targets.

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.SUFFIXES:
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c

ROOT := $(CURDIR)
BUILD := $(ROOT)/.build/release
SLUICE := $(BUILD)/sluice
# Debian's Python, which has scapy and PyYAML, whatever else comes first in PATH.
PYTHON ?= /usr/bin/python3
STEP := scripts/step.sh
# Not OPIProtos: it is generated.
SOURCES := Package.swift $(filter-out Sources/OPIProtos,$(wildcard Sources/*)) Tests Bench
# The most instructions a packet may cost: Tests/Gates/instructions.py.
INSTRUCTION_LIMIT ?= 500

# What the scripts take from us.
export SLUICE PYTHON INSTRUCTION_LIMIT
# What `sluice --version` calls this build.
COMMIT := $(shell git describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null)
export SLUICE_COMMIT := $(or $(COMMIT),unknown)
# A crash in a test ends at once, without a minute of symbolication.
export SWIFT_BACKTRACE := enable=no
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help setup build print-binary generate demo test test-long bench profile lint format

help:
	@echo "make setup         install what is missing (Debian packages; needs root)"
	echo "make build         build the release binaries"
	echo "make print-binary  print where sluice is"
	echo "make generate      write the API's Swift code anew from its .proto files"
	echo "make demo          build, then play the demo capture through sessions"
	echo "make test          build, then all tests and gates, sanitizers on the core, a short fuzzing"
	echo "make test-long     make test, then longer fuzzing, all sanitizers and fresh captures"
	echo "make bench         build, then measure beside DPDK and libpcap and write Bench/RESULTS.md"
	echo "make profile       after make bench: renew the tables of docs/performance.md"
	echo "make lint          check how the sources are written"
	echo "make format        format the Swift sources in place"

setup:
	@scripts/setup.sh

build: setup
	@$(STEP) "build sluice" swift build -c release --product sluice

print-binary:
	@echo $(SLUICE)

generate: setup
	@$(STEP) --figures "generate" scripts/generate.sh

demo: build
	@scripts/demo.sh $(SLUICE)

test: build
	@scripts/test.sh

test-long: test
	@scripts/test-long.sh

bench: build
	@$(STEP) "build sluice-bench" swift build -c release --product sluice-bench
	Bench/run.py --sluice $(SLUICE) --bench $(BUILD)/sluice-bench

profile: build
	@$(STEP) "build sluice-bench" swift build -c release --product sluice-bench
	Bench/profile.py --bench $(BUILD)/sluice-bench

lint:
	@$(STEP) "swift format lint" swift format lint --strict --parallel --recursive $(SOURCES)
	$(STEP) "scripts/lint.sh" scripts/lint.sh

format:
	@swift format --in-place --parallel --recursive $(SOURCES)
