"""Parser, help, completion and command all come from one declaration."""

import re
import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcontainer.errors import UsageError
from nbcontainer.magics import catalogue
from nbcontainer.magics.candidates import candidates
from nbcontainer.magics.secrecy import SECRET_WORDS
from nbcontainer.verbs.arguments import option, positional, switch
from nbcontainer.verbs.grammar import Magic, Verb
from nbcontainer.verbs.other_words import OTHER_WORDS
from nbcontainer.verbs.words import shell_words

MAGICS = {name: catalogue.verbs_of(name) for name in catalogue.MAGICS}
RUN = MAGICS["docker"].magic.verb("run")
DOCKERFILE = MAGICS["dockerfile"].magic.verb("")
GET = MAGICS["kpod"].magic.verb("get")
EXEC = MAGICS["kpod"].magic.verb("exec")
CREATE = MAGICS["kpod"].magic.verb("create")
LOGS = MAGICS["kpod"].magic.verb("logs")
DELETE = MAGICS["kpod"].magic.verb("delete")


def parse(verb, line):
    return verb.parse(shell_words(line))


def test_long_short_joined_and_clustered_flags():
    values = parse(RUN, "-di --name=web -p8080:80 -p 9090:90 -e A=1 --env B= -e C busybox")
    assert (values.detach, values.interactive, values.name) == (True, True, "web")
    assert values.publish == ["8080:80", "9090:90"]
    assert values.environment == {"A": "1", "B": "", "C": None}


def test_variables_without_a_value_are_the_environment_s_and_labels_are_empty(monkeypatch):
    monkeypatch.setenv("INHERITED", "from here")
    monkeypatch.delenv("NOT_THERE", raising=False)
    _, named = RUN.bind(parse(RUN, "-e A=1 -e B= -e INHERITED -e NOT_THERE -l empty --cpus 0.5 busybox ls -l"))
    assert named["environment"] == {"A": "1", "B": "", "INHERITED": "from here", "NOT_THERE": None}
    assert (named["labels"], named["cpus"], named["command"]) == ({"empty": ""}, 0.5, ["ls", "-l"])
    for line, said in {
        "-e =secret busybox": "--env: the name before the = is missing",
        "--cpus many busybox": "takes a number, not 'many'",
        "--cpus nan busybox": "takes a number, not 'nan'",
    }.items():
        with pytest.raises(UsageError, match=said) as refused:
            RUN.bind(parse(RUN, line))
        assert "secret" not in str(refused.value)


def test_a_pods_variable_needs_a_value_as_for_kubectl():
    assert CREATE.bind(parse(CREATE, "e1 --image=i --env A= --env B=1"))[1]["environment"] == {"A": "", "B": "1"}
    with pytest.raises(UsageError, match="--env: the value after the name is missing") as refused:
        CREATE.bind(parse(CREATE, "e1 --image=i --env A=1 --env secret"))
    assert "secret" not in str(refused.value)


def test_what_follows_the_image_is_left_alone():
    values = parse(RUN, "--rm busybox sh -c 'echo $HOME --rm' --name x")
    assert values.remove is True
    assert values.name is None
    assert values.command == ["sh", "-c", "echo $HOME --rm", "--name", "x"]


def test_dashes_end_the_flags():
    assert parse(EXEC, "web -c app -- ls -l /").command == ["ls", "-l", "/"]
    assert parse(EXEC, "web ls -l").command == ["ls", "-l"]
    assert parse(EXEC, "-c app web -- ls").container == "app"


def test_quotes_are_read_as_a_shell_reads_them():
    values = parse(DOCKERFILE, """-t "a b" --build-arg 'K=v w' --label a=b\\ c .""")
    assert values.tags == ["a b"]
    assert values.build_args == {"K": "v w"}
    assert values.labels == {"a": "b c"}
    assert values.path == "."


@given(st.text(alphabet="ab=-/ \t'\"\\", max_size=12))
def test_words_are_those_of_a_real_shell(line):
    shell = subprocess.run(["sh", "-c", f"printf '%s\\0' x {line}"], capture_output=True, text=True, check=False)
    if shell.returncode or line.endswith("\\"):
        return  # a quote is left open
    assert ["x", *shell_words(line)] == shell.stdout.split("\0")[:-1]


def test_a_backslash_in_double_quotes_escapes_what_it_does_in_a_shell():
    assert shell_words(r'sh -c "echo \$i \`x\` \"q\" \\ \n"') == ["sh", "-c", r'echo $i `x` "q" \ \n']


@pytest.mark.parametrize(
    ("verb", "line", "message", "cure"),
    [
        (DOCKERFILE, "--ta x", "no flag --ta", "--target"),
        (DOCKERFILE, "--tga=x", "no flag --tga", "--tag"),
        (DOCKERFILE, "--no-cach", "no flag --no-cach", "--no-cache"),
        (
            MAGICS["docker"].magic.verb("stop"),
            "",
            "CONTAINER is missing: containers' names",
            "such as %docker stop web",
        ),
        (MAGICS["docker"].magic.verb("volume inspect"), "", "VOLUME is missing: volumes' names", "inspect data"),
        (DOCKERFILE, "a b", "Unexpected argument 'b'", "--help"),
        (DOCKERFILE, "--no-cache=maybe", "does not take a value", ""),
        (DOCKERFILE, "-t", "-t needs a value", ""),
        (DOCKERFILE, "--network=wan", "default, none, host", ""),
        (RUN, "", "IMAGE is missing", "Write %docker run [flags] IMAGE [COMMAND…], such as %docker run --rm"),
        (RUN, "-x busybox", "no flag -x", ""),
        (EXEC, "web", "COMMAND is missing", ""),
        (GET, "--duration soon", "a duration such as 30s", ""),
    ],
)
def test_wrong_words_are_refused_with_a_cure(verb, line, message, cure):
    with pytest.raises(UsageError) as error:
        parse(verb, line)
    assert message in str(error.value)
    assert cure in str(error.value)


def test_an_open_quote_is_refused():
    with pytest.raises(UsageError, match="Close the quote"):
        shell_words("-t 'web")


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("1.5", 1.5), ("30s", 30), ("1h30m", 5400), ("250ms", 0.25)])
def test_durations(text, seconds):
    assert parse(GET, f"--duration={text}").duration == seconds


@pytest.mark.parametrize(
    ("magic", "line", "command"),
    [
        ("docker", "push web:1", "docker push web:1"),
        ("docker", "run --rm -e 'A=b c' busybox echo 'x y'", "docker run --rm '--env=A=b c' busybox echo 'x y'"),
        ("docker", "login reg -u alice --password-from secret", "docker login --username=alice reg"),
        ("kpod", "-A -l app=web", "kubectl get pods --all-namespaces --selector=app=web"),
        ("kpod", "create web --image=i:1 --no-wait", "kubectl run --image=i:1 web"),
        ("kpod", "exec web -- ls /", "kubectl exec web -- ls /"),
        ("kpod", "logs -f web --since 90s", "kubectl logs --follow --since=90s web"),
    ],
)
def test_the_same_as_a_command(magic, line, command):
    verb, words = MAGICS[magic].magic.split(line)
    # flags may come before or after words: what matters is that a shell reads the same
    told = shlex.split(verb.as_command(verb.parse(words)))
    assert sorted(told) == sorted(shlex.split(command))


def test_every_verb_has_a_summary_help_and_an_example_that_parses():
    for name, verbs in MAGICS.items():
        for verb in verbs.magic.verbs:
            assert verb.summary.endswith("."), verb.title
            assert verb.example, f"{verb.title} has no example"
            text = verb.help
            assert verb.summary in " ".join(text.split())  # wrapped at the terminal's width
            for argument in verb.arguments:
                assert argument.help, argument.names
                assert argument.names[0] in text
            first = verb.example.splitlines()[0]
            found, words = verbs.magic.split(first.lstrip("%").removeprefix(name).replace("{{", "").replace("}}", ""))
            assert found.path == verb.path
            found.parse(words)


def test_an_unknown_verb_names_the_nearest():
    with pytest.raises(UsageError, match="Did you mean %docker push"):
        MAGICS["docker"].magic.split("pusch web")
    with pytest.raises(UsageError, match="Did you mean %docker network inspect or %docker volume inspect"):
        MAGICS["docker"].magic.split("inspect web")
    for line in ("delte web", "-n shop delte web"):
        with pytest.raises(UsageError, match="Did you mean %kpod delete"):
            MAGICS["kpod"].magic.split(line)
    with pytest.raises(UsageError, match="Verbs: "):  # not "rm", which would remove containers
        MAGICS["docker"].magic.split("rmi web")
    with pytest.raises(UsageError, match="Verbs: "):
        MAGICS["docker"].magic.split("")


def test_bare_kpod_and_its_flags_are_get():
    assert MAGICS["kpod"].magic.split("")[0].path == "get"
    assert MAGICS["kpod"].magic.split("-A")[0].path == "get"
    with pytest.raises(UsageError, match="no verb 'web'"):
        MAGICS["kpod"].magic.split("web")


@given(st.text())
def test_any_line_is_read_or_refused(line):
    for verb in (RUN, DOCKERFILE, EXEC):
        try:
            values = parse(verb, line)
        except UsageError:
            continue
        verb.as_command(values)


def test_the_values_of_a_pod_that_is_created():
    line = "web --image=x --port=80 --port 81 -l a=b,c= --env A=1 --no-wait --restart=Never -- sh -c 'ls -l'"
    places, named = CREATE.bind(parse(CREATE, line))
    assert places == []
    assert named == {
        "name": "web", "image": "x", "ports": [80, 81], "labels": {"a": "b", "c": ""}, "environment": {"A": "1"},
        "wait": False, "restart": "Never", "timeout": 60.0, "entrypoint": False, "command": ["sh", "-c", "ls -l"],
    }  # fmt: skip
    assert shlex.split(CREATE.as_command(parse(CREATE, line))) == [
        *("kubectl", "run", "web", "--image=x", "--env=A=1", "--port=80", "--port=81", "--labels=a=b,c="),
        *("--restart=Never", "--", "sh", "-c", "ls -l"),
    ]
    assert parse(CREATE, "web --image=x --no-wait=false").wait is True


@pytest.mark.parametrize(
    ("verb", "line", "message"),
    [
        ("create", "web --image=x --port=0", "--port takes a number from 1 to 65535, not '0'"),
        ("create", "web --image=x --port=80 --port=x", "--port takes a number from 1 to 65535, not 'x'"),
        ("create", "web --image=x --labels=a=b,c", "--labels takes KEY=VALUE,…, not 'c'"),
        ("create", "web --image=", "--image is missing"),
        ("delete", "--force", "Which pods"),
        ("logs", "-f", "Logs of which pod"),
        ("logs", "--selector=", "Logs of which pod"),
    ],
)
def test_required_arguments_and_their_formats(verb, line, message):
    with pytest.raises(UsageError, match=message):
        parse(MAGICS["kpod"].magic.verb(verb), line)


def test_one_of_several_ways_to_name_something_is_enough():
    delete, apply = MAGICS["kpod"].magic.verb("delete"), MAGICS["kube"].magic.verb("apply")
    for line in ("web", "--all", "-l app=web"):
        assert parse(delete, line).force is False
    assert parse(apply, "--dry-run=server").dry_run is True
    assert parse(apply, "").dry_run is False
    assert apply.as_command(parse(apply, "--dry-run=server")).split()[-1] == "--dry-run=server"


def test_kubectl_s_own_order_of_words():
    assert parse(EXEC, "web -n shop ls -l /").command == ["ls", "-l", "/"]
    assert parse(EXEC, "web -n shop ls -l /").namespace == "shop"
    assert parse(EXEC, "pod/web -- ls").name == "web"
    assert parse(GET, "pod/web pods/db po/cache x/y").pod == ["web", "db", "cache", "x/y"]
    assert parse(LOGS, "deploy/web").pod == ["deploy/web"]


def test_the_kind_may_be_a_word_of_its_own():
    assert parse(GET, "pods").pod == []
    assert parse(GET, "po web db").pod == ["web", "db"]
    assert parse(GET, "pod pods").pod == ["pods"]
    assert parse(GET, "pod/pod").pod == ["pod"]
    assert parse(DELETE, "pod web -n shop").pod == ["web"]
    assert parse(DELETE, "pods --all").pod == []
    assert parse(MAGICS["kpod"].magic.verb("describe"), "pod web").names == ["web"]
    assert parse(LOGS, "pod").pod == ["pod"]  # as for kubectl: its logs take no kind
    with pytest.raises(UsageError, match="Which pods"):
        parse(DELETE, "pod")


@pytest.mark.parametrize(
    ("verb", "line", "message", "cure"),
    [
        ("get", "deployments", "%kpod get is for pods, not for deployments", "A pod of that name is pod/deployments."),
        ("get", "deploy/web", "is for pods, not for deployments", ""),
        ("get", "pods,svc", "is for pods, not for services", ""),
        ("delete", "Job nightly", "%kpod delete is for pods, not for jobs", "pod/Job"),
        ("get", "pod pod/web", "Write either pod NAME or pod/NAME, not both", "%kpod get pod NAME"),
        ("logs", "web app db", "%kpod logs takes one POD and one CONTAINER", "%kpod logs pod/web pod/app pod/db"),
        ("logs", "web app -c db", "%kpod logs takes one POD and one CONTAINER", "pod/web pod/app"),
    ],
)
def test_what_kubectl_refuses_is_refused(verb, line, message, cure):
    with pytest.raises(UsageError) as error:
        parse(MAGICS["kpod"].magic.verb(verb), line)
    assert message in error.value.message
    assert cure in error.value.cure


def test_the_second_word_of_logs_is_the_container():
    for line, pods, container in (
        ("web", ["web"], None),
        ("web app", ["web"], "app"),
        ("pod/web -f app", ["web"], "app"),
        ("deploy/web app", ["deploy/web"], "app"),
        ("pod/web pod/db", ["web", "db"], None),
        ("pod/web pod/db pod/cache -c app", ["web", "db", "cache"], "app"),
    ):
        values = parse(LOGS, line)
        assert (values.pod, values.container) == (pods, container)
    assert LOGS.as_command(parse(LOGS, "web app")) == "kubectl logs web --container=app"
    assert LOGS.as_command(parse(LOGS, "web --tail=0")) == "kubectl logs web --tail=0"


@pytest.mark.parametrize(
    ("line", "image", "command"),
    [
        ("-- busybox echo hi", "busybox", ["echo", "hi"]),
        ("--rm -- busybox -- -x", "busybox", ["--", "-x"]),
        ("--rm busybox -- echo hi", "busybox", ["echo", "hi"]),
        ("-h web busybox hostname -h", "busybox", ["hostname", "-h"]),
    ],
)
def test_dashes_before_an_image_end_the_flags(line, image, command):
    values = parse(RUN, line)
    assert (values.image, values.command) == (image, command)


@pytest.mark.parametrize(
    ("magic", "line", "asks"),
    [
        ("docker", "push -h", True),
        ("docker", "push --help", True),
        ("docker", "ps -a -h", True),
        ("docker", "run --no-such-flag --help", True),
        ("docker", "run --help busybox", True),
        ("docker", "run -h web busybox", False),  # its host name
        ("docker", "run busybox ls --help", False),
        ("docker", "run --name --help busybox", False),
        ("docker", "rm -- --help", False),
        ("dockerfile", "-h", True),
        ("kpod", "logs -h", True),
        ("kpod", "exec -h", True),
        ("kpod", "exec web -- ls -h", False),
        ("kpod", "exec web ls --help", False),
        ("kube", "apply -h", True),
    ],
)
def test_h_is_help_unless_it_means_something_else(magic, line, asks):
    verb, words = MAGICS[magic].magic.split(line)
    assert verb.asks_for_help(words) is asks


@pytest.mark.parametrize(
    ("magic", "line", "path", "key", "value"),
    [
        ("docker", "--context prod ps -a", "ps", "context", "prod"),
        ("docker", "--context=prod ps", "ps", "context", "prod"),
        ("docker", "-c prod ps", "ps", "context", "prod"),
        ("docker", "-H tcp://h:1 container ls", "ps", "context", "tcp://h:1"),
        ("docker", "-Htcp://h:1 image ls", "images", "context", "tcp://h:1"),
        ("docker", "--host=ssh://h run busybox ls -H x", "run", "command", ["ls", "-H", "x"]),
        ("docker", "ps -H tcp://h:1", "ps", "context", "tcp://h:1"),
        ("docker", "ps --host=tcp://h:1 -a", "ps", "context", "tcp://h:1"),
        ("docker", "-c prod login example.com", "login", "context", "prod"),
        ("kpod", "logs web --namespace shop", "logs", "namespace", "shop"),
        ("kpod", "-n shop logs web", "logs", "namespace", "shop"),
        ("kpod", "--context dev -nshop exec web -- ls -n", "exec", "command", ["ls", "-n"]),
        ("kpod", "-n shop", "get", "namespace", "shop"),
        ("kpod", "-n shop web", "get", "pod", ["web"]),
        ("kpod", "-n shop -A", "get", "all_namespaces", True),
        ("kube", "--namespace=shop apply", "apply", "namespace", "shop"),
    ],
)
def test_shared_flags_may_stand_before_the_verb(magic, line, path, key, value):
    verb, words = MAGICS[magic].magic.split(line)
    assert (verb.path, verb.parse(words)[key]) == (path, value)


def test_a_name_that_a_flag_has_only_before_the_verb():
    verb, words = MAGICS["docker"].magic.split("ps -c prod")
    with pytest.raises(UsageError, match="%docker ps has no flag -c") as error:
        verb.parse(words)
    assert error.value.cure == "Write %docker -c NAME ps, or --context NAME after the verb."


VOLUMES = Magic(
    "docker",
    "x.",
    tuple(
        Verb(path, f"Does {path}.", (option("--name", help="n"),), magic="docker")
        for path in ("images", "volume ls", "volume create", "volume", "network ls")
    ),
)


def test_a_misspelt_verb_is_not_taken_for_a_pod():
    with pytest.raises(UsageError, match="Did you mean %kpod logs"):
        MAGICS["kpod"].magic.split("-n shop lgos web")


@pytest.mark.parametrize(
    ("magic", "line", "cure"),
    [
        ("kube", "config get-contexts", "%kube context"),
        ("kube", "-n shop version", "%nbcontainer doctor"),
        ("kube", "create -f web.yaml", "%kube apply -f"),
        ("kube", "create --filename=web.yaml", "%kube apply"),
        ("kube", "create pod web", "%kpod create"),
        ("kpod", "ls", "%kpod get"),
        ("kpod", "scale web", "%kube scale"),
    ],
)
def test_a_word_of_kubectl_that_is_no_verb_here_leads_to_one(magic, line, cure):
    with pytest.raises(UsageError) as error:
        MAGICS[magic].magic.split(line)
    assert cure in error.value.cure


def test_other_words_are_no_verbs_and_lead_to_verbs():
    for magic, words in OTHER_WORDS.items():
        for word, cure in words.items():
            assert MAGICS[magic].magic.find(word.split()) is None
            for other, verb in re.findall(r"%(\w+) ([a-z-]+)", cure):
                assert MAGICS[other].magic.find([verb]), cure


@pytest.mark.parametrize(("line", "sign"), [("get pods | grep web", "|"), ("get pods -o yaml > web.yaml", ">")])
def test_signs_of_a_shell_are_refused(line, sign):
    verb, words = MAGICS["kube"].magic.split(line)
    with pytest.raises(UsageError, match="not run by a shell") as error:
        verb.parse(words)
    assert f" {sign} " in error.value.message


def test_signs_of_a_shell_in_a_command_are_its_own():
    verb, words = MAGICS["kube"].magic.split("exec web -- expr 3 > 2")
    assert verb.parse(words)["command"] == ["expr", "3", ">", "2"]


@pytest.mark.parametrize(
    ("flag", "hint"), [("--fruit", "--help lists"), ("--nmespace", "--namespace"), ("--as-users", "--as")]
)
def test_only_a_similar_flag_is_suggested(flag, hint):
    verb, words = MAGICS["kube"].magic.split(f"set env deploy/web {flag}")
    with pytest.raises(UsageError, match="has no flag") as error:
        verb.parse(words)
    assert hint in error.value.cure


def test_the_longest_path_wins():
    assert VOLUMES.split("volume ls --name x")[0].path == "volume ls"
    assert VOLUMES.split("volume --name x")[0].path == "volume"
    with pytest.raises(UsageError, match="%docker network needs a verb") as error:
        VOLUMES.split("network")
    assert "Verbs: ls." in str(error.value)
    with pytest.raises(UsageError, match="%docker network has no verb 'lss'") as error:
        VOLUMES.split("network lss")
    assert error.value.cure == "Did you mean %docker network ls?"
    with pytest.raises(UsageError, match="does not take --debug before its verb"):
        VOLUMES.split("--debug images")
    assert "%docker volume VERB" in VOLUMES.help(["volume"])
    assert "network ls" not in VOLUMES.help(["volume"])
    assert VOLUMES.next_words([]) == ["images", "volume", "network"]
    assert VOLUMES.next_words(["volume"]) == ["ls", "create"]


def test_no_argument_s_name_is_taken_by_the_values():
    names = ("items", "update", "keys", "get", "pop", "copy", "given")
    verb = Verb("x", "x.", tuple(option(f"--{name}", help="n") for name in names))
    values = parse(verb, " ".join(f"--{name} {name}-1" for name in names))
    assert [getattr(values, name) for name in names] == [f"{name}-1" for name in names]
    assert "items" in values
    assert "values" not in values


def test_secret_flags_are_those_of_the_declarations():
    secret = [verb.path.split() for verbs in MAGICS.values() for verb in verbs.magic.verbs if verb.secret]
    assert all(set(words) & set(SECRET_WORDS) for words in secret)
    assert set(SECRET_WORDS) <= {word for words in secret for word in words}


def test_many_before_one():
    verb = Verb("cp", "x.", (positional("SOURCE", help="x", many=True), positional("TARGET", help="y")))
    values = parse(verb, "a b c")
    assert (values.source, values.target) == (["a", "b"], "c")


def test_a_repeated_plain_flag_takes_the_last_value():
    verb = Verb("x", "x.", (option("--name", help="n"), switch("--all", help="a")))
    assert parse(verb, "--name a --name b").name == "b"


# --- completion


def words(text, line=0, column=None):
    lines = text.split("\n")
    found = candidates(text, line, len(lines[line]) if column is None else column, names=lambda kind, _: [f"<{kind}>"])
    return None if found is None else (found[0], [item.text for item in found[1]])


def test_completion_of_verbs_flags_values_and_names():
    assert words("%docker pu") == ("pu", ["push", "pull"])
    assert words("%docker push ") == ("", ["<image>"])
    assert words("%docker container l") == ("l", ["ls", "list", "logs"])
    assert words("%docker image ls ") == ("", ["<image>"])
    assert words("%docker --context prod pu") == ("pu", ["push", "pull"])
    assert "--context" in words("%docker --")[1]
    assert words("%kpod --context ") == ("", ["<context>"])
    assert words("%kpod --context dev -n ") == ("", ["<namespace>"])
    assert words("%kpod --context dev -n shop lo") == ("lo", ["logs"])
    assert words("%kpod --context dev logs ") == ("", ["<pod>"])
    assert "--namespace" in words("%kpod --na")[1]
    assert words("%docker run --pull ")[1] == ["always", "missing", "never"]
    assert words("%docker run --pull=al") == ("--pull=al", ["--pull=always"])
    assert words("%%dockerfile --add ")[1] == ["<variable>"]
    assert words("%kpod logs ")[1] == ["<pod>"]
    assert words("%kpod logs web ")[1] == ["<pod-container>"]
    assert words("%kpod get pods ")[1] == ["<pod>"]
    assert words("%kpod exec web -- l")[1] == []
    assert words("%kpod -n ")[1] == ["<namespace>"]
    assert words("%nbcontainer settings ")[1] == ["<setting>"]
    assert words("%kpod ")[1] == [verb.path for verb in MAGICS["kpod"].magic.verbs]  # %kpod web is refused
    assert "<pod>" in words("%kpod -n shop ")[1]
    assert words("x = %kpod de") == ("de", ["delete", "describe", "debug"])
    assert words("import os\nx, y = %kpod de", line=1) == ("de", ["delete", "describe", "debug"])
    cell = "%%dockerfile --target \nFROM golang:1 AS build\nRUN echo AS no\nfrom scratch as final"
    assert words(cell)[1] == ["build", "final"]


def test_completion_leaves_other_cells_alone():
    assert words("x = 1") is None
    assert words("%time x") is None
    assert words("%%bash\nl", line=1) is None
    assert words("x = 7 %kpod de") is None


def test_completion_in_a_dockerfile_cell():
    fragment, items = words("%%dockerfile -t x\nFROM busybox\nWORK", line=2)
    assert fragment == "WORK"
    assert items == ["WORKDIR"]
    assert "<image>" in words("%%dockerfile\nFROM ", line=1)[1]


@given(st.text(), st.integers(0, 5), st.integers(0, 20))
def test_completion_never_fails(text, line, column):
    candidates("%%dockerfile\n" + text, line, column, names=lambda *_: [])
    candidates(text, line, column, names=lambda *_: [])
