# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PORT ?= 8000
DATA ?= ./data
MINUTES ?= 20
PROCESSES ?= 2

.PHONY: help demo serve test check docs format unit bench bench-ingredients bench-normalisation bench-conditions bench-fusion bench-thresholds bench-registry bench-milvus bench-encryption bench-workers bench-distributed bench-audit bench-traces bench-model bench-gpu bench-capture bench-quality bench-filming fuzz test-security test-api audit licences test-crash soak train lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

# The editable install follows the lock file; it runs again only when one of the two files changes.
$(INSTALLED): pyproject.toml docker/constraints.txt
	@echo "Setting up $(VENV): some minutes the first time."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --constraint docker/constraints.txt --editable '.[test]'
	@touch $@

demo: $(INSTALLED) ## enrol and identify sample walks over HTTP; ONCE=1 stops by itself
	$(BIN)/walkprint demo $(if $(ONCE),--once) $(if $(filter-out undefined default file,$(origin PORT)),--port $(PORT))

serve: $(INSTALLED) ## the service on PORT with its state under DATA
	WALKPRINT_DATA=$(DATA) $(BIN)/walkprint serve --port $(PORT)

test: static programs ## all checks and all tests; as root it installs the Debian packages they need
	$(BIN)/pytest --durations=25 --numprocesses=$(PROCESSES) --dist=loadfile

.PHONY: programs
programs: $(INSTALLED)
	@$(BIN)/python -m tests.programs

check: static docs unit audit licences ## the fast ones: format, lint, types, floors, pages, migrations, unit tests, dependencies

.PHONY: static
static: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(INSTALLED) ## tests of single parts, no service processes
	$(BIN)/pytest tests/model tests/app

docs: $(INSTALLED) ## the documentation as pages under build/docs; a dead link is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --config-file docs/site/mkdocs.yml
	@echo "Open build/docs/index.html"

format: $(INSTALLED) ## lay the code out
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED) ## identify over HTTP against the same work in process: one table of ratios
	$(BIN)/python -m tests.benchmarks.bench_identify

bench-ingredients: $(INSTALLED) ## which ingredients of the walkers buy accuracy; CASIA_A=folder adds real masks
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.bench_ingredients $(if $(CASIA_A),--casia-a $(CASIA_A))

bench-normalisation: $(INSTALLED) ## what symmetric score normalisation would buy on unseen walkers; COHORT=people in the largest
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.bench_normalisation $(if $(COHORT),--cohort $(COHORT))

bench-conditions: $(INSTALLED) ## which strangers pass, by their clothes and by the camera
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.bench_conditions

bench-fusion: $(INSTALLED) ## what PCA + LDA added to the network would buy on unseen walkers
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.bench_fusion

bench-registry: $(INSTALLED) ## a million templates in one gallery: starts, searches, changes, memory; TEMPLATES=, SIZE=
	$(BIN)/python -m tests.benchmarks.bench_registry $(if $(TEMPLATES),--templates $(TEMPLATES)) $(if $(SIZE),--size $(SIZE))

bench-milvus: $(INSTALLED) ## vectors in a Milvus beside vectors in memory; TEMPLATES=, URI=http://host:19530 for one of yours
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.bench_milvus $(if $(TEMPLATES),--templates $(TEMPLATES)) $(if $(URI),--uri $(URI))

bench-encryption: $(INSTALLED) ## what encryption at rest costs beside plain storage; TEMPLATES=1000000
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.bench_encryption $(if $(TEMPLATES),--templates $(TEMPLATES))

bench-model: $(INSTALLED) ## embedding, training step and walkers: what they cost beside what they could
	$(BIN)/python -m tests.benchmarks.bench_model

bench-gpu: $(INSTALLED) ## a GPU worker beside the bare forward pass: walks/s, utilisation, latency by batch size
	$(BIN)/python -m tests.benchmarks.bench_gpu

bench-capture: $(INSTALLED) ## walkers cut out of rendered scenes, speed, memory; KTH=folder adds real clips
	$(BIN)/python -m tests.benchmarks.bench_capture $(if $(KTH),--kth $(KTH)) $(if $(CLIP),--clip $(CLIP))

bench-quality: $(INSTALLED) ## whether the capture score predicts recognition; refits its weights
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.bench_quality

bench-filming: $(INSTALLED) ## what a camera's height, distance, direction and light cost; the tables of docs/enrol-well.md
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.bench_filming $(if $(PEOPLE),--people $(PEOPLE))

bench-workers: $(INSTALLED) ## workers behind a broker: takeover after kill -9, scaling, the limit
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.bench_workers

bench-distributed: $(INSTALLED) ## a service with two workers beside one that works itself; ten services, 2,000 callers
	$(BIN)/python -m tests.benchmarks.bench_distributed

bench-traces: $(INSTALLED) ## what traces cost an identification: off, one in a hundred, all; CALLS=200
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.bench_traces $(if $(CALLS),--calls $(CALLS))

bench-audit: $(INSTALLED) ## what the audit log costs enrolments, searches and pictures
	$(BIN)/python -m tests.benchmarks.bench_audit

bench-thresholds: $(INSTALLED) ## how many strangers pass, by the checkpoint's threshold and by the gallery's own; PEOPLE=16000
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.benchmarks.bench_thresholds $(if $(PEOPLE),--people $(PEOPLE))

.PHONY: test-browser
test-browser: programs ## the console in a real Chromium; says where the screenshots are, PICTURES=folder keeps them there
	$(if $(PICTURES),WALKPRINT_PICTURES=$(PICTURES)) $(BIN)/pytest tests/browser

test-security: $(INSTALLED) ## everything a security review asks for, the long variants too
	WALKPRINT_SECURITY_LONG=1 $(BIN)/pytest tests/security tests/hostile --timeout=1800

test-api: $(INSTALLED) ## schemathesis against the service's own document for MINUTES=20
	$(BIN)/python -m tests.security.schemathesis_run --minutes $(MINUTES)

audit: $(INSTALLED) ## known vulnerabilities of the locked versions; says so when nobody could be asked
	$(BIN)/python -m tests.security.advisories

licences: $(INSTALLED) ## that everything that runs is permissive, or accepted by name (docs/licences.md)
	$(BIN)/python -m tests.security.licences

fuzz: $(INSTALLED) ## fuzz the three entrances of uploads, MINUTES=20 each; findings under runs/fuzz
	$(BIN)/pip install --quiet --constraint docker/constraints.txt --editable '.[fuzz]'
	for entrance in archive image video; do \
	  OPENCV_LOG_LEVEL=SILENT OPENCV_FFMPEG_LOGLEVEL=-8 \
	    $(BIN)/python -m tests.fuzz.run $$entrance --minutes $(MINUTES) || exit 1; \
	done

test-crash: $(INSTALLED) ## kill services 100 times at random and 600 times at failpoints; histories, state machine
	WALKPRINT_CRASH_TRIALS=100 WALKPRINT_FAILPOINT_TRIALS=300 WALKPRINT_HISTORY_CALLS=300 WALKPRINT_STATE_EXAMPLES=60 \
	  $(BIN)/pytest tests/integration/test_crash.py tests/integration/test_reembedding_crash.py tests/crash tests/consistency --timeout=7200

soak: $(INSTALLED) ## 100,000 mixed requests: no error, flat memory; REQUESTS=number for fewer
	$(BIN)/python -m tests.soak.run $(if $(REQUESTS),--requests $(REQUESTS))

train: $(INSTALLED) ## train the default weights again (about an hour and a half on two cores)
	$(BIN)/walkprint train --out runs/default

lock: $(INSTALLED) ## write the versions in use into the lock file
	$(BIN)/pip freeze --exclude-editable | grep -v '^walkprint' | sed 's,+cpu$$,,' > docker/constraints.txt
	$(BIN)/python -m tests.images.requirements

.PHONY: secrets images sbom
secrets: ## the secrets of docker-compose.yml, each in a file under docker/secrets; keeps what is there
	@sh docker/make-secrets

images: ## build walkprint-api and walkprint-worker; GPU=1 adds walkprint-gpu
	for target in api worker $(if $(GPU),gpu); do \
	  docker build --file docker/Dockerfile --target $$target --tag walkprint-$$target . || exit 1; \
	done

.PHONY: compose-test
compose-test: $(INSTALLED) ## build, start, break and take down the deployment; NO_BUILD=1 takes the images that are there
	$(BIN)/python -m tests.compose.run

sbom: $(INSTALLED) ## what is in each image (CycloneDX), under runs/sbom
	@mkdir -p runs/sbom
	for image in api worker gpu; do \
	  $(BIN)/cyclonedx-py requirements docker/requirements-$$image.txt --pyproject pyproject.toml \
	    --output-reproducible --output-file runs/sbom/walkprint-$$image.cdx.json || exit 1; \
	done

clean: ## remove the environment, caches and demo data
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis data/demo
