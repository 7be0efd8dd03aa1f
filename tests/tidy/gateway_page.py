"""docs/GATEWAY.md lists every error code of the program's table under its class, and no other."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LETTERS = {"UNKNOWN": "U", "DECLINED": "D", "LIMIT": "L", "CONFIGURATION": "C", "BALANCE": "B", "NO_PAYMENT": "N"}


def table_of_the_program():
    text = (ROOT / "include/payoutd/domain/error_codes.def").read_text(encoding="utf-8")
    return {int(code): LETTERS[name] for code, name in re.findall(r"^ERROR_CODE\((\d+), (\w+),", text, re.MULTILINE)}


def table_of_the_page():
    text = (ROOT / "docs/GATEWAY.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Z]) \| ([0-9][^|]*) \|$", text, re.MULTILINE)
    return {int(code): letter for letter, codes in rows for code in re.findall(r"\b\d+\b", codes)}


class Page(unittest.TestCase):
    def test_the_page_and_the_program_list_the_same_codes(self):
        self.assertGreater(len(table_of_the_program()), 70)
        self.assertEqual(table_of_the_program(), table_of_the_page())


if __name__ == "__main__":
    unittest.main()
