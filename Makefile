GO ?= go
TOOL = $(GO) tool -modfile=internal/tools/go.mod
# The repository that `make parity` compares the renderers on, besides testdata.
PARITY ?= all

.PHONY: all build test lint docs bench bench-report cover parity origins fuzz attacks attacks-strace random

all: lint build test

build:
	$(GO) build -o scantling .

test:
	$(GO) test -timeout 30m ./...

lint:
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "run gofmt -w on:"; echo "$$out"; exit 1; fi
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	$(TOOL) actionlint docs/github-workflow.yml docs/github-workflow-shards.yml

# docs/rules, from the rules.
docs:
	$(GO) test ./internal/ruledocs -run '^TestPages$$' -update

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

cover:
	$(GO) test -coverprofile=cover.out ./...
	$(GO) tool cover -func=cover.out | tail -n 1

# What scantling renders against what helm and kustomize print, the long form.
parity:
	SCANTLING_PARITY=$(PARITY) $(GO) test ./render -run Parity

empty :=
space := $(empty) $(empty)

# How exact the places of findings are in the repositories of DIR (folders, joined
# as in PATH), what is wrong about them, and some that are only near.
origins:
	@test -n "$(DIR)" || { echo "say which repositories: make origins DIR=FOLDER"; exit 2; }
	SCANTLING_ORIGINS="$(subst $(space),:,$(abspath $(subst :, ,$(DIR))))" $(GO) test ./internal/check -count 1 -timeout 60m -run '^TestOrigins$$' -v

# How long scantling takes in the repositories of REPOS (folders, joined as in PATH),
# as ratios, into docs/performance.md or OUT. It takes an hour for a large repository,
# needs hyperfine, kube-linter for the comparison with it, and a machine that does
# nothing else.
bench-report:
	@test -n "$(REPOS)" || { echo "say which repositories: make bench-report REPOS=FOLDER"; exit 2; }
	SCANTLING_BENCH="$(subst $(space),:,$(abspath $(subst :, ,$(REPOS))))" SCANTLING_BENCH_OUT="$(abspath $(OUT))" \
		$(GO) test ./internal/perf -count 1 -timeout 180m -run '^TestReport$$' -v

# Every fuzz target, one after another, each for this long.
FUZZTIME ?= 1m

fuzz:
	@grep -rHo '^func Fuzz[A-Za-z]*' --include='*_test.go' . | while IFS=: read -r file func; do \
		echo "== $$(dirname $$file) $${func#func }"; \
		$(GO) test $$(dirname $$file) -run '^$$' -fuzz "^$${func#func }\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x || exit 1; \
	done

# Every case of testdata/attacks; make test runs a part of them. On a slow
# machine, SCANTLING_ATTACK_PATIENCE=3 triples the time that a case has.
attacks:
	SCANTLING_ATTACKS=all $(GO) test ./internal/cli -count 1 -timeout 60m -run '^TestAttacks$$'

# Every case under strace, without a network.
attacks-strace:
	SCANTLING_ATTACKS=all $(GO) test ./internal/cli -count 1 -timeout 120m -run '^TestOffline$$' -v

# What lint says with a cache, of the index, against a base, in shards and of many
# processes at once, over this many random states of testdata/gitops each.
# SCANTLING_RANDOM_SEED=N repeats a run that failed.
RANDOM ?= 300

random:
	SCANTLING_RANDOM=$(RANDOM) $(GO) test ./internal/cli -count 1 -timeout 180m -run '^Test(CacheAnswersTheSame|CacheOfManyProcesses|StagedIsCheckout|BaseIsTwoRuns|ShardsAreOneRun)$$'
