"""The documentation keeps step with the program: metrics and log events have their rows in docs/OPERATIONS.md, what
sources cite exists, and links between pages lead somewhere."""
import os
import re
import unittest

from rules import ROOT, read, repository_files

OPERATIONS = "docs/OPERATIONS.md"
METRICS = "include/payoutd/app/metrics.def"
CITED = re.compile(r"\bdocs/[A-Za-z0-9_/-]+\.[a-z]+\b")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
# LOG(LEVEL, "event" ...), log_plain(LEVEL, "event" ...), and rows {LEVEL, "event", ...} of a table
EVENT = re.compile(r'(?:LOG_LEVEL_[A-Z]+|\blevel),\s*((?:\w+\s*\?\s*)?"[a-z_]+\.[a-z_]+"'
                   r'(?:\s*:\s*"[a-z_]+\.[a-z_]+")?)')
NAME = re.compile(r'"([a-z_]+\.[a-z_]+)"')


def section(text, title):
    """The lines of one `## title` of a page."""
    found = re.search(r"^## %s$(.*?)(?=^## |\Z)" % re.escape(title), text, re.MULTILINE | re.DOTALL)
    assert found, "no section '%s' in %s" % (title, OPERATIONS)
    return found.group(1)


def rows(text):
    """The cells of every row of the tables in a text, heads and rules left out."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def metrics_defined(text):
    return dict(re.findall(r"^METRIC\((\w+), (\w+),", text, re.MULTILINE))


def metrics_documented(text):
    return {row[0].strip(" `"): row[1] for row in rows(section(text, "Metrics"))}


def events_in(text):
    return {name for found in EVENT.findall(text) for name in NAME.findall(found)}


def events_documented(text):
    return {name for row in rows(section(text, "Log")) for name in re.findall(r"`([a-z_]+\.[a-z_]+)`", row[0])}


def prose(text):
    """A page without its code blocks and without code in a line."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def anchors(text):
    """What a heading is called in a link."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


def broken_links(path, text, exists, text_of):
    for target in LINK.findall(prose(text)):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = target.partition("#")
        page = os.path.normpath(os.path.join(os.path.dirname(path), place)) if place else path
        if not exists(page):
            yield "%s: %s leads nowhere" % (path, target)
        elif anchor and anchor not in anchors(text_of(page)):
            yield "%s: %s: no such heading" % (path, target)


class Documentation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.texts = {path: text for path, text in ((path, read(path)) for path in repository_files())
                     if text is not None}
        cls.operations = cls.texts[OPERATIONS]

    def test_every_metric_has_its_row_and_every_row_its_metric(self):
        self.assertEqual(metrics_documented(self.operations), metrics_defined(self.texts[METRICS]))

    def test_every_log_event_has_its_row_and_every_row_its_event(self):
        said = set()
        for path, text in self.texts.items():
            if path.startswith(("src/app/", "src/adapter/", "src/main.c")):
                said |= events_in(text)
        self.assertEqual(events_documented(self.operations), said)

    def test_pages_that_are_cited_exist(self):
        wrong = ["%s: %s" % (path, cited) for path, text in self.texts.items() if not path.startswith("tests/tidy/")
                 for cited in CITED.findall(text) if not os.path.exists(os.path.join(ROOT, cited))]
        self.assertFalse(wrong, "\n" + "\n".join(wrong))

    def test_links_between_pages_lead_somewhere(self):
        wrong = [each for path, text in self.texts.items() if path.endswith(".md")
                 for each in broken_links(path, text, lambda page: os.path.exists(os.path.join(ROOT, page)), read)]
        self.assertFalse(wrong, "\n" + "\n".join(wrong))

    def test_rules_that_comments_cite_stand_in_the_protocol(self):
        protocol = self.texts["docs/PROTOCOL.md"]
        cited = {rule for path, text in self.texts.items() if path.startswith(("src/", "include/"))
                 for rule in re.findall(r"PROTOCOL\.md ([RI]\d+)", text)}
        self.assertFalse([rule for rule in cited if not re.search(r"\*\*?%s\b" % rule, protocol)])
        self.assertIn("R8", cited)


class ChecksBite(unittest.TestCase):
    def test_events_are_found(self):
        text = ('LOG(LOG_LEVEL_INFO, "a.b", "x"); LOG(level, pays ? "c.d" : "e.f",\n'
                '[X] =\n {LOG_LEVEL_WARN, "g.h", "y"}')
        self.assertEqual(events_in(text), {"a.b", "c.d", "e.f", "g.h"})

    def test_a_missing_row_is_seen(self):
        page = "## Metrics\n| metric | type |\n|---|---|\n| `a_total` | counter |\n## Log\n| `x.y` `z.w` | info |\n"
        self.assertEqual(metrics_documented(page), {"a_total": "counter"})
        self.assertEqual(events_documented(page), {"x.y", "z.w"})
        self.assertNotEqual(metrics_documented(page), metrics_defined("METRIC(b_total, counter, write_b, \"b\")\n"))

    def test_a_link_that_leads_nowhere_is_seen(self):
        page = "# One (two)\n[b](B.md) [here](#one-two) [gone](#three) [c](../C.md)\n`[d](D.md)`"
        pages = {"docs/A.md": page, "docs/B.md": ""}
        wrong = list(broken_links("docs/A.md", pages["docs/A.md"], pages.__contains__, pages.get))
        self.assertEqual(len(wrong), 2, wrong)


if __name__ == "__main__":
    unittest.main()
