# `make demo` runs the quickstart, `make lab` opens the lessons, `make test` sets up everything the tests need and runs them.
.PHONY: demo lab test quick check format benchmark fresh clean help

help:
	@echo "make demo       run notebooks/quickstart.ipynb: from a cell to a running pod"
	@echo "make lab        open the lessons in JupyterLab"
	@echo "make test       everything the tests need (engine, registries, cluster, browser), then all tests"
	@echo "make quick      lint, types and the tests that need no engine, cluster or browser (about a minute)"
	@echo "make check      only lint, types and formatting"
	@echo "make benchmark  the table of timings against docker, buildx, kubectl and stern"
	@echo "make fresh      make demo, cold and warm, on a clean Debian in its own namespaces (needs root)"
	@echo "make clean      stop what make demo and make test started"

demo:
	@python=$$(sh scripts/bootstrap.sh demo) && exec "$$python" scripts/demo.py

lab:
	@python=$$(sh scripts/bootstrap.sh lab) && exec "$$python" scripts/demo.py --lab

test:
	@sh scripts/test.sh

quick:
	@sh scripts/test.sh --quick

check:
	@sh scripts/check.sh

format:
	@python=$$(sh scripts/bootstrap.sh test) && $$(dirname "$$python")/ruff format . && $$(dirname "$$python")/ruff check --fix .

benchmark:
	@sh scripts/benchmark.sh

fresh:
	@bash scripts/fresh.sh

clean:
	@python=$$(sh scripts/bootstrap.sh python) && exec "$$python" -m tests.environment down
