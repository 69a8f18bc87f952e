#!/usr/bin/env python3
"""A trained run shows what each of its experts is given: as text, as JSON, as one page."""
import html.parser
import random
import re

import program
from program import NOT_FOUND, OK, USAGE, ProgramTest, json_lines

SENTENCES = 200  # a block of the text


class Page(html.parser.HTMLParser):
    """Anchors, links, balance and foreign addresses of a page."""

    VOID = {"meta", "br", "hr", "img", "link", "input", "rect", "path"}

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.tags, self.open, self.addresses = set(), set(), {}, [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        for name, value in attrs:
            if name == "id":
                self.ids.add(value)
            if name == "href":
                self.links.add(value)
            if name in ("src", "href") and not value.startswith("#"):
                self.addresses.append(value)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()


def write_two_tongues(path):
    """Blocks of two small languages in turn, so that there is something to specialise in."""
    choose = random.Random(3).choice
    english = (["cat", "dog", "bird"], ["sees", "hears"], ["red", "old"])
    french = (["chat", "chien", "oiseau"], ["voit", "entend"], ["rouge", "vieux"])
    with open(path, "w", encoding="utf-8") as file:
        for line in range(SENTENCES * 22):
            article, (nouns, verbs, colours) = (("the", english) if line % 2 else ("le", french))
            file.write(f"{article} {choose(colours)} {choose(nouns)} {choose(verbs)} {article} {choose(nouns)} .\n")


class Experts(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_two_tongues(cls.directory / "tongues.txt")
        done = program.run("prepare", cls.directory / "tongues.txt", "--out", cls.directory / "tongues")
        assert done.returncode == OK, done.stderr
        cls.trained = cls.directory / "run"
        done = program.run("train", cls.config, "--run", cls.trained, "--set", f'data.path="{cls.directory / "tongues"}"',
                           "--set", "train.steps=120")
        assert done.returncode == OK, done.stderr
        # The valid split has SENTENCES lines, odd ones in English.
        cls.domains = cls.directory / "domains.tsv"
        cls.domains.write_text("# FIRST SENTENCES NAME\n" + "".join(
            f"{line + 1}\t1\t{'English' if line % 2 else 'French & co'}\n" for line in range(SENTENCES)))

    def contexts(self, *more, code=OK):
        return self.expect(code, "experts", self.trained, "--contexts", *more)

    def test_json_holds_every_expert(self):
        lines = json_lines(self.contexts("--json", "--domains", self.domains, "--top", "3").stdout)
        self.assertEqual(len(lines), 1)
        layer = lines[0]
        self.assertEqual((layer["schema"], layer["layer"], layer["step"]), (1, "layers.1", 120))
        self.assertEqual([expert["expert"] for expert in layer["experts"]], [0, 1, 2, 3])
        self.assertEqual(layer["pairs"], 2 * layer["inputs"])
        self.assertEqual(sum(expert["rows"] for expert in layer["experts"]), layer["pairs"])
        self.assertAlmostEqual(sum(expert["gate_share"] for expert in layer["experts"]), 1.0, places=6)
        for expert in layer["experts"]:
            gates = [context["gate_weight"] for context in expert["contexts"]]
            self.assertEqual(gates, sorted(gates, reverse=True))
            self.assertLessEqual(len(gates), 3)
            phrases = [(context["before"].split()[-1:], context["word"]) for context in expert["contexts"]]
            self.assertEqual(len({str(phrase) for phrase in phrases}), len(phrases))
        words = layer["words"]
        self.assertGreater(words["mutual_information"], 0.0)
        self.assertLess(words["mutual_information"], words["expert_entropy"] + 1e-9)
        self.assertEqual(layer["domains"]["pairs"], layer["pairs"])
        self.assertGreater(layer["domains"]["normalised_information"],
                           layer["domains"]["most_normalised_information_by_chance"])
        self.assertEqual({name["name"] for name in layer["domains"]["names"]}, {"English", "French & co"})

    def test_says_the_same_twice(self):
        arguments = ("--json", "--domains", self.domains)
        self.assertEqual(self.contexts(*arguments).stdout, self.contexts(*arguments).stdout)

    def test_text_marks_the_word(self):
        said = self.contexts("--top", "4", "--checkpoint", "120").stdout
        self.assertRegex(said, r"(?m)^layers\.1, step 120, valid: 4 experts, top 2")
        for expert in range(4):
            self.assertRegex(said, rf"(?m)^expert {expert}: ")
        self.assertRegex(said, r"(?m)^  [01]\.\d{3}  .*\[\S+\]")
        self.assertNotIn("\x1b", said)
        one = self.contexts("--expert", "2").stdout
        self.assertEqual(re.findall(r"(?m)^expert (\d+)", one), ["2"])

    def test_page_holds_every_expert_and_stands_alone(self):
        path = self.directory / "experts.html"
        done = self.contexts("--html", path, "--domains", self.domains)
        self.assertIn("wrote", done.stderr)
        text = path.read_text(encoding="utf-8")
        page = Page(text)
        self.assertLessEqual({f"e0-{expert}" for expert in range(4)}, page.ids)
        self.assertEqual(page.addresses, [])
        self.assertEqual(page.open, [])
        self.assertLessEqual({link[1:] for link in page.links}, page.ids)
        self.assertNotIn("script", page.tags)
        self.assertNotIn("url(", text)
        self.assertIn("French &amp; co", text)

    def test_a_part_of_the_text_is_enough(self):
        part = json_lines(self.contexts("--json", "--split", "train", "--words", "500").stdout)[0]
        self.assertLess(part["inputs"], 520)
        self.assertEqual(part["domains"], None)

    def test_says_what_is_wrong(self):
        cases = [
            (NOT_FOUND, "there is no MoE layer 'layers.7'", ["--contexts", "--layer", "layers.7"]),
            (NOT_FOUND, "no checkpoint of step 7", ["--contexts", "--checkpoint", "7"]),
            (NOT_FOUND, "there is no expert 4", ["--contexts", "--expert", "4"]),
            (NOT_FOUND, "nowhere.tsv", ["--contexts", "--domains", "nowhere.tsv"]),
            (NOT_FOUND, "there is no directory", ["--contexts", "--html", self.directory / "nowhere/x.html"]),
            (USAGE, "--top must lie between", ["--contexts", "--top", "0"]),
            (USAGE, "need --contexts", ["--html", "x.html"]),
        ]
        for code, part, arguments in cases:
            self.assertIn(part, self.expect(code, "experts", self.trained, *arguments).stderr)

    def test_says_which_line_of_a_domain_file_is_wrong(self):
        bad = self.directory / "bad.tsv"
        for text, part in (("1\t2\n", "bad.tsv:1: a line must be FIRST TAB SENTENCES TAB NAME"),
                           (f"1\t1\ta\n{SENTENCES}\t2\tb\n", f"bad.tsv:2: the range must end within the split's "
                                                            f"{SENTENCES} sentences")):
            bad.write_text(text)
            self.assertIn(part, self.contexts("--domains", bad, code=USAGE).stderr)

    def test_needs_a_gate(self):
        config = self.directory / "dense.toml"
        gateless = re.sub(r"\[model\.moe\.gate\].*?\n\n", "", self.config.read_text(), flags=re.DOTALL)
        config.write_text(gateless.replace("count = 4", "count = 1"))
        dense = self.directory / "dense"
        self.expect(OK, "train", config, "--run", dense, "--set", "train.steps=2")
        said = self.expect(NOT_FOUND, "experts", dense, "--contexts").stderr
        self.assertIn("has no MoE layer with a gate", said)


if __name__ == "__main__":
    program.main()
