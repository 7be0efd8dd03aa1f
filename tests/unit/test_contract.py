"""Schemas, examples and the worker say the same: every example validates, no counter-example does, what the worker
writes validates and is what the examples show, and it takes and refuses the commands that the schema does.
"""
import glob
import json
import os
import re
import subprocess
import unittest

import jsonschema

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SCHEMAS = os.path.join(ROOT, "config", "schemas")
EXAMPLES = os.path.join(ROOT, "config", "examples")
PROBE = os.environ.get("PAYOUTD_CONTRACT_PROBE")

# A folder of examples, or one file, and the schema it is judged by.
GOOD = {
    "commands/*.json": "command-v1.json",
    "flat/*.json": "command-flat-v1.json",
    "outcomes/*.json": "outcome-v1.json",
    "events/structured.json": "command-event-v1.json",
    "events/binary-headers.json": "command-headers-v1.json",
    "events/outcome-headers.json": "outcome-headers-v1.json",
    "events/dead-letter-headers.json": "dead-letter-headers-v1.json",
}
BAD = {
    "refused-commands/*.json": "command-v1.json",
    "refused-flat/*.json": "command-flat-v1.json",
    "refused-outcomes/*.json": "outcome-v1.json",
}


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def validator(name):
    schema = load(os.path.join(SCHEMAS, name))
    jsonschema.Draft202012Validator.check_schema(schema)
    store = {other: load(os.path.join(SCHEMAS, other)) for other in ("command-v1.json",)}
    resolver = jsonschema.RefResolver("", schema, store=store)
    return jsonschema.Draft202012Validator(schema, resolver=resolver)


def examples(rows):
    for pattern, schema in rows.items():
        paths = sorted(glob.glob(os.path.join(EXAMPLES, pattern)))
        assert paths, "no example matches " + pattern
        for path in paths:
            yield os.path.relpath(path, EXAMPLES), load(path), validator(schema)


def ask_probe(what, text=""):
    return subprocess.run([PROBE, what], input=text, capture_output=True, text=True, check=True,
                          timeout=60).stdout.splitlines()


def samples(what):
    return {name: json.loads(text) for name, text in (line.split(" ", 1) for line in ask_probe(what))}


def without_version(outcome):
    return {name: value for name, value in outcome.items() if name != "worker"}


class Schemas(unittest.TestCase):
    def test_every_example_validates(self):
        for name, example, judge in examples(GOOD):
            with self.subTest(name):
                self.assertEqual([error.message for error in judge.iter_errors(example)], [])

    def test_no_counter_example_validates(self):
        for name, example, judge in examples(BAD):
            with self.subTest(name):
                self.assertFalse(judge.is_valid(example), "the schema lets this pass")

    def test_every_example_is_judged(self):
        judged = {name for name, _, _ in list(examples(GOOD)) + list(examples(BAD))}
        every = {os.path.relpath(path, EXAMPLES)
                 for path in glob.glob(os.path.join(EXAMPLES, "**", "*.json"), recursive=True)}
        self.assertEqual(every - judged, set())


class Documents(unittest.TestCase):
    def test_examples_in_the_page_are_the_files(self):
        with open(os.path.join(ROOT, "docs", "EVENTS.md"), encoding="utf-8") as file:
            page = file.read()
        blocks = re.findall(r"`config/examples/([^`]+)`\n\n```json\n(.*?)```", page, re.DOTALL)
        self.assertGreater(len(blocks), 4)
        for name, text in blocks:
            with self.subTest(name):
                self.assertEqual(json.loads(text), load(os.path.join(EXAMPLES, name)))

    def test_asyncapi_names_files_that_are_there(self):
        with open(os.path.join(ROOT, "config", "asyncapi.yaml"), encoding="utf-8") as file:
            names = re.findall(r"\$ref: \.?/?(schemas/\S+\.json)", file.read())
        self.assertGreater(len(names), 4)
        for name in names:
            self.assertTrue(os.path.exists(os.path.join(ROOT, "config", name)), name)


@unittest.skipUnless(PROBE, "PAYOUTD_CONTRACT_PROBE is not set")
class Worker(unittest.TestCase):
    def test_what_it_writes_validates_and_is_what_the_examples_show(self):
        judge = validator("outcome-v1.json")
        for name, outcome in samples("outcomes").items():
            with self.subTest(name):
                self.assertEqual([error.message for error in judge.iter_errors(outcome)], [])
                shown = load(os.path.join(EXAMPLES, "outcomes", name + ".json"))
                self.assertEqual(without_version(outcome), without_version(shown))

    def test_its_headers_validate(self):
        judge = validator("outcome-headers-v1.json")
        headers = samples("headers")
        for name, header in headers.items():
            with self.subTest(name):
                self.assertEqual([error.message for error in judge.iter_errors(header)], [])
        self.assertEqual(headers["succeeded"], load(os.path.join(EXAMPLES, "events", "outcome-headers.json")))

    def test_it_takes_and_refuses_the_commands_that_the_schema_does(self):
        rows = [(name, example, "ok") for name, example, _ in examples({"commands/*.json": "command-v1.json"})]
        rows += [(name, example, "refused") for name, example, _ in
                 examples({"refused-commands/*.json": "command-v1.json"})]
        said = ask_probe("commands", "".join(json.dumps(example) + "\n" for _, example, _ in rows))
        self.assertEqual(len(said), len(rows))
        for (name, _, expected), answer in zip(rows, said):
            with self.subTest(name):
                self.assertEqual(answer.split(" ")[0], expected, answer)


if __name__ == "__main__":
    unittest.main()
