"""What the page is told of a `%%dockerfile` cell that is typed in it."""

import pytest

from nbcontainer.magics.problems import problems_of


def shown(text, namespace=None):
    """What is underlined in a cell, and what is said of it."""
    units = text.encode("utf-16-le")
    return [
        (units[2 * found["from"] : 2 * found["to"]].decode("utf-16-le"), found["message"])
        for found in problems_of(text, namespace or {})
    ]


def fixed(text, namespace=None):
    units = text.encode("utf-16-le")
    edits = [edit for found in problems_of(text, namespace or {}) if found["fix"] for edit in found["fix"]["edits"]]
    for edit in sorted(edits, key=lambda edit: -edit["from"]):
        units = units[: 2 * edit["from"]] + edit["text"].encode("utf-16-le") + units[2 * edit["to"] :]
    return units.decode("utf-16-le")


def test_what_is_underlined():
    text = "\n%%dockerfile -t a\n# 😀 é\nFROM x  # 😀\n  RUM b\nENV c 😀 d\n  EXPOSE e  \n"
    assert shown(text.replace("  # 😀", "")) == [
        ("RUM", "unknown instruction: RUM. Did you mean RUN?"),
        ("c 😀 d", "ENV without = is an old form."),
        ("EXPOSE e", "EXPOSE: e is not a port. Ports are 0 to 65535: EXPOSE 8080."),
    ]
    (found,) = problems_of("%%dockerfile\nFROM x as y\n", {})
    assert (found["severity"], found["rule"]) == ("warning", "FromAsCasing")
    assert found["link"].endswith("/from-as-casing/")


def test_fixes_of_a_cell():
    text = "%%dockerfile\nFROM {{base}} as é😀\nRUN a\nENV {{name}} b\n# 😀\nENV 😀 b\nENV a 😀 b\n"
    assert fixed(text.replace("é😀", "c"), {"base": "y", "name": "n"}) == (
        '%%dockerfile\nFROM {{base}} AS c\nRUN a\nENV {{name}} b\n# 😀\nENV 😀 b\nENV a="😀 b"\n'
    )


@pytest.mark.parametrize(
    "flags", ["", "--raw", "--build-arg A=b --target {{t}}", "--build-context c=/x", "-t 'a", "--x"]
)
def test_the_magics_line_may_be_unfinished(flags):
    assert shown(f"%%dockerfile {flags}\nFROM x\nRUM y\n")[:1] in (
        [("RUM", "unknown instruction: RUM. Did you mean RUN?")],
        [],
    )


def test_flags_count():
    text = "FROM scratch AS a\nCOPY --from=bse /a /b\nFROM scratch AS base\n"
    assert len(shown(f"%%dockerfile\n{text}")) == 1
    assert shown(f"%%dockerfile --build-context bse=/x\n{text}") == []
    assert shown("%%dockerfile --target b\nFROM scratch AS a\n")[0][1].startswith("`--target`: there is no stage b")
    assert shown("%%dockerfile\nFROM x\nUSER {{ a b }}\nRUN {{ .Name }}\n") == []


def test_values_that_are_not_known_are_not_judged():
    class Costly:
        def __str__(self):
            raise AssertionError("a cell that is typed has asked for it")

    text = "%%dockerfile\nFROM {{base}}\nEXPOSE {{port}}\nEXPOSE {{a.b.c}}\nCOPY --from={{x}} a b\nRUM\n"
    rum = [("RUM", "unknown instruction: RUM. Did you mean RUN?")]
    assert shown(text) == rum
    assert shown(text, {"port": Costly(), "a": Costly(), "x": "a\nb"}) == rum
    assert shown(text, {"port": "http", "base": "x", "a": 1, "x": "y"}) == rum
    known = "%%dockerfile\nFROM x\nEXPOSE {{port}}\n"
    assert shown(known, {"port": 80}) == []
    assert shown(known, {"port": "http"}) == [
        ("EXPOSE {{port}}", "EXPOSE: http is not a port. Ports are 0 to 65535: EXPOSE 8080.")
    ]


def test_other_cells_have_no_problems():
    assert problems_of("FROM x\nRUM", {}) == []
    assert problems_of("%%dockerfiles\nRUM", {}) == []
    assert problems_of("%%dockerfile\n\n", {}) == []  # nothing is typed yet
    assert problems_of("%%dockerfile\nARG A", {}) != []  # there is no FROM


def test_the_kernel_answers_its_page(lone_kernel):
    """Each question has its answer, with its number, whatever a page sends."""
    ran = lone_kernel.run("base = 'x'", cell="first")
    (opened,) = [sent for sent in ran.sent("comm_open") if sent["target_name"] == "nbcontainer:problems"]
    assert "nbcontainer:problems" not in str(lone_kernel.run("1", cell="second").sent("comm_open"))
    asked = [{"number": 1, "text": "%%dockerfile\nFROM {{base}} as y\n"}, {"number": 2}, {}, {"number": 3, "text": 4}]
    for data in asked:
        message = lone_kernel.client.session.msg("comm_msg", {"comm_id": opened["comm_id"], "data": data})
        lone_kernel.client.shell_channel.send(message)
    heard = lone_kernel.collect(30, lambda ran: len(ran.sent("comm_msg")) == len(asked))
    answers = [sent["data"] for sent in heard.sent("comm_msg")]
    assert [answer["number"] for answer in answers] == [1, 2, None, 3]
    assert [[found["rule"] for found in answer["problems"]] for answer in answers] == [["FromAsCasing"], [], [], []]
    assert heard.sent("stream") == heard.sent("error") == []
