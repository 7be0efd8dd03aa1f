"""The rules of docs/STYLE.md that a machine can check (rules.py), and two tests for each: that this repository keeps
the rule, and that the rule bites when it is given a bad snippet.
"""
import os
import subprocess
import tempfile
import unittest

from rules import (CC, C_COLUMNS_MAX, FILE_LINES_MAX, FUNCTION_LINES_MAX, MAIN_LINES_MAX, UNFINISHED, compile_alone,
                   enum_constants, file_length, foreign_symbols, function_length, is_c, layering, line_length,
                   no_commented_out_code, no_default_for, no_goto, no_places, no_struct_typedef, nothing_unfinished,
                   opens_with_its_place, purity, read, repository_files)

CORE_ARCHIVE = os.environ.get("PAYOUTD_CORE_ARCHIVE")


class Repository(unittest.TestCase):
    """This repository keeps the rules."""

    @classmethod
    def setUpClass(cls):
        cls.texts = {path: read(path) for path in repository_files()}
        cls.texts = {path: text for path, text in cls.texts.items() if text is not None}

    def keeps(self, rule):
        wrong = ["%s:%d: %s" % (path, number, what)
                 for path, text in self.texts.items() for number, what in rule(path, text)]
        self.assertFalse(wrong, "\n" + "\n".join(wrong))

    def test_there_is_something_to_check(self):
        self.assertGreater(sum(1 for path in self.texts if is_c(path)), 10)

    def test_a_layer_includes_only_what_stands_below_it(self):
        self.keeps(layering)

    def test_base_domain_and_flow_include_no_library(self):
        self.keeps(purity)

    def test_files_are_short(self):
        self.keeps(file_length)

    def test_functions_are_short(self):
        self.keeps(function_length)

    def test_lines_are_short(self):
        self.keeps(line_length)

    def test_there_is_no_goto(self):
        self.keeps(no_goto)

    def test_structs_are_called_structs(self):
        self.keeps(no_struct_typedef)

    def test_nothing_is_left_unfinished(self):
        self.keeps(nothing_unfinished)

    def test_no_code_hides_in_comments(self):
        self.keeps(no_commented_out_code)

    def test_no_machine_and_no_registry_is_named(self):
        self.keeps(no_places)

    def test_every_file_says_what_it_is(self):
        self.keeps(opens_with_its_place)

    def test_switches_over_our_enums_have_no_default(self):
        ours = [text for path, text in self.texts.items() if path.startswith(("include/", "src/"))]
        self.keeps(no_default_for(enum_constants(ours)))

    def test_every_header_compiles_alone(self):
        headers = [path for path in self.texts if path.endswith(".h") and path.startswith(("include/", "src/"))]
        wrong = [said for said in (compile_alone(path) for path in headers) if said]
        self.assertFalse(wrong, "\n".join(wrong))

    @unittest.skipUnless(CORE_ARCHIVE, "PAYOUTD_CORE_ARCHIVE is not set")
    def test_the_core_calls_nothing_outside_itself(self):
        self.assertEqual(foreign_symbols(CORE_ARCHIVE), [])


class RulesBite(unittest.TestCase):
    """Each rule finds what it is there to find, and leaves the good alone."""

    def bites(self, rule, path, bad, good=""):
        self.assertTrue(list(rule(path, bad)), "the rule let this pass: %s" % bad)
        self.assertEqual(list(rule(path, good)), [])

    def test_layering(self):
        self.bites(layering, "src/domain/money.c", '#include "payoutd/codec/signature.h"\n',
                   '#include "payoutd/base/bytes.h"\n/* #include "payoutd/app/worker.h" */\n')
        self.bites(layering, "include/payoutd/base/status.h", '#include "payoutd/domain/money.h"\n')
        self.bites(layering, "src/codec/x.c", '#include "payoutd/flow/flow.h"\n', '#include "payoutd/domain/order.h"\n')
        self.bites(layering, "src/adapter/x.c", '#include "payoutd/app/worker.h"\n')
        self.bites(layering, "src/sandbox/x.c", '#include "payoutd/flow/flow.h"\n',
                   '#include "payoutd/adapter/loop.h"\n')
        self.bites(layering, "src/app/x.c", '#include "../flow/inside.h"\n', '#include "payoutd/flow/flow.h"\n')

    def test_purity(self):
        self.bites(purity, "src/flow/pay.c", "#include <time.h>\n", "#include <stdint.h>\n")
        self.bites(purity, "src/base/arena.c", "#include <stdlib.h>\n")
        self.assertEqual(list(purity("src/base/status.c", "#include <stdlib.h>\n")), [])
        self.assertEqual(list(purity("src/adapter/x.c", "#include <time.h>\n")), [])

    def test_lengths(self):
        self.bites(file_length, "src/base/x.c", "\n" * (FILE_LINES_MAX + 1), "\n" * FILE_LINES_MAX)
        self.bites(file_length, "src/main.c", "\n" * (MAIN_LINES_MAX + 1), "\n" * MAIN_LINES_MAX)
        body = "void f(void)\n{\n%s}\n"
        self.bites(function_length, "src/base/x.c", body % ("    f();\n" * (FUNCTION_LINES_MAX - 1)),
                   body % ("    f();\n" * (FUNCTION_LINES_MAX - 2)))
        self.bites(line_length, "src/base/x.c", "x" * (C_COLUMNS_MAX + 1), "x" * C_COLUMNS_MAX)

    def test_goto(self):
        self.bites(no_goto, "src/x/x.c", "    goto out;\n", '    say("goto"); /* no goto */ gotos();\n')

    def test_struct_typedef(self):
        self.bites(no_struct_typedef, "src/x/x.c", "typedef struct order order;\n",
                   "typedef void (*done)(void);\ntypedef enum status take(void *context);\n")
        self.bites(no_struct_typedef, "src/x/x.c", "typedef struct {\n    int x;\n} order;\n")

    def test_unfinished(self):
        for word in UNFINISHED.split("|"):
            self.bites(nothing_unfinished, "README.md", "a %s: later\n" % word, 'mkdtemp("payoutd-%s")' % ("X" * 6))

    def test_commented_out_code(self):
        good = "/* It returns; callers ask again. A view (see bytes.h) is two words. */\n"
        for bad in ("/* pay(order); */", "// return OK;", "/*\n * if (x) {\n */", "/* state = PAID; */", "#if 0\n"):
            self.bites(no_commented_out_code, "src/x/x.c", bad + "\n", good)

    def test_places(self):
        self.bites(no_places, "README.md", "cd /%s/main\n" % ("wo" + "rk"), "see docs/work/x and https://x.org/\n")
        self.bites(no_places, "Dockerfile", "RUN curl https://%s.org\n" % ("py" + "pi"))

    def test_opening(self):
        self.bites(opens_with_its_place, "include/payoutd/base/x.h", "#ifndef X\n", "/*\n * x: a thing.\n */\n")
        self.bites(opens_with_its_place, "include/payoutd/base/x.h", "/* y: a thing */\n", "/* x: a thing */\n")
        self.bites(opens_with_its_place, "src/base/x.c", '#include "x.h"\n', "/* The place of x. */\n")

    def test_default(self):
        rule = no_default_for(enum_constants(["enum verdict { PAID, REFUSED };", "#define LIST(X) X(STATUS_OK, OK)\n"]))
        self.bites(rule, "src/x/x.c", "switch (v) {\ncase PAID:\n    break;\ndefault:\n    break;\n}\n",
                   "switch (c) {\ncase FOREIGN:\n    break;\ndefault:\n    break;\n}\n")
        self.bites(rule, "src/x/x.c", "switch (s) { case STATUS_OK: { f(); } default: g(); }",
                   "switch (v) { case PAID: switch (c) { case 'x': f(); default: g(); } }")

    def test_foreign_symbols(self):
        with tempfile.TemporaryDirectory() as folder:
            source = "#include <stdlib.h>\nvoid *core_take(void);\nvoid *core_take(void) { return malloc(8); }\n"
            subprocess.run([CC, "-x", "c", "-c", "-", "-o", folder + "/x.o"], input=source, text=True, check=True)
            subprocess.run(["ar", "rc", folder + "/x.a", folder + "/x.o"], check=True)
            self.assertEqual(foreign_symbols(folder + "/x.a"), [("x.o", "malloc")])

    def test_header_that_leans_on_another(self):
        with tempfile.NamedTemporaryFile("w", suffix=".h") as header:
            header.write("size_t leaning(void);\n")
            header.flush()
            self.assertIn("size_t", compile_alone(header.name))


if __name__ == "__main__":
    unittest.main()
