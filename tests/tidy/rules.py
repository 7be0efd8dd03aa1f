"""What the house rules are made of: how a file is read, and each rule as a function from a file to its violations."""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CC = os.environ.get("PAYOUTD_CC", "cc")

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
MAIN_LINES_MAX = 100
C_COLUMNS_MAX = 100
SCRIPT_COLUMNS_MAX = 120

# Who may include whose headers.
BASE, DOMAIN = {"base"}, {"base", "domain"}
EVERYTHING = {"base", "domain", "flow", "codec", "adapter", "app"}
MAY_INCLUDE = {
    "base": BASE,
    "domain": DOMAIN,
    "flow": DOMAIN | {"flow"},
    "codec": DOMAIN | {"codec"},
    "adapter": DOMAIN | {"codec", "adapter"},
    "app": EVERYTHING,
    "main.c": EVERYTHING,
    "ctl": EVERYTHING - {"flow"},
    "sandbox": EVERYTHING - {"flow"},
}
PURE_LAYERS = ("base", "domain", "flow")
PURE_HEADERS = {"stdbool.h", "stddef.h", "stdint.h", "string.h", "limits.h", "inttypes.h", "stdalign.h"}
STATUS_HEADERS = {"stdio.h", "stdlib.h"}  # status_must_fail prints the place and aborts


# -- reading ----------------------------------------------------------------------------------------------------------
def repository_files():
    """Paths from the root, of what git knows or would add; all files where there is no git."""
    git = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                         capture_output=True, check=False)
    if git.returncode == 0:
        names = [name.decode() for name in git.stdout.split(b"\0") if name]
    else:
        names = []
        for folder, folders, files in os.walk(ROOT):
            folders[:] = [each for each in folders if each not in ("build", ".cache", ".git", "__pycache__")]
            names += [os.path.relpath(os.path.join(folder, each), ROOT) for each in files]
    return sorted(name for name in names if os.path.isfile(os.path.join(ROOT, name)))


def read(path):
    """The text of a file, or None when it is not text."""
    with open(os.path.join(ROOT, path), "rb") as file:
        data = file.read()
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def without_comments(text, keep_strings=False):
    """C source with comments (and the inside of strings) blanked; lines stay where they were."""
    def blank(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token if keep_strings else token[0] + " " * (len(token) - 2) + token[0]
        return re.sub(r"[^\n]", " ", token)
    return TOKEN.sub(blank, text)


def comments(text):
    """(line number, comment) of every comment of C source."""
    for match in TOKEN.finditer(text):
        if match.group(0)[0] == "/":
            yield text.count("\n", 0, match.start()) + 1, match.group(0)


def layer_of(path):
    """base, domain, ..., main.c; None for what is not part of the programs."""
    parts = path.split("/")
    if parts[:2] == ["include", "payoutd"] and len(parts) == 4:
        return parts[2]
    if parts[0] == "src" and len(parts) >= 3:
        return parts[1]
    return "main.c" if path == "src/main.c" else None


def is_c(path):
    return path.endswith((".c", ".h"))


def is_script(path):
    return path.endswith((".py", ".cmake")) or path.endswith("CMakeLists.txt")


def included(text):
    """(line number, delimiter, header) of every #include."""
    for number, line in enumerate(without_comments(text, keep_strings=True).split("\n"), 1):
        match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if match:
            yield number, match.group(1), match.group(2)


# -- the rules: (path, text) -> violations ----------------------------------------------------------------------------
def layering(path, text):
    layer = layer_of(path)
    if layer not in MAY_INCLUDE:
        return
    for number, _, header in included(text):
        match = re.match(r"payoutd/([a-z]+)/", header)
        if match and match.group(1) not in MAY_INCLUDE[layer]:
            yield number, "%s must not know %s: %s" % (layer, match.group(1), header)
        if header.startswith(".."):
            yield number, "an #include must not climb out of its folder: %s" % header


def purity(path, text):
    layer = layer_of(path)
    if layer not in PURE_LAYERS:
        return
    allowed = PURE_HEADERS | (STATUS_HEADERS if path == "src/base/status.c" else set())
    for number, delimiter, header in included(text):
        if delimiter == "<" and header not in allowed:
            yield number, "%s is pure: <%s> is not for it" % (layer, header)


def file_length(path, text):
    lines = text.count("\n")
    limit = MAIN_LINES_MAX if path == "src/main.c" else FILE_LINES_MAX
    if (is_c(path) or is_script(path)) and lines > limit:
        yield lines, "%d lines; the limit is %d" % (lines, limit)


def function_length(path, text):
    if not is_c(path):
        return
    begin = None
    for number, line in enumerate(without_comments(text).split("\n"), 1):
        if line.startswith("{"):
            begin = number
        elif line.startswith("}") and begin is not None:
            if number - begin + 1 > FUNCTION_LINES_MAX:
                yield begin, "a function of %d lines; the limit is %d" % (number - begin + 1, FUNCTION_LINES_MAX)
            begin = None


def line_length(path, text):
    if not (is_c(path) or is_script(path)):
        return
    limit = C_COLUMNS_MAX if is_c(path) else SCRIPT_COLUMNS_MAX
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > limit:
            yield number, "%d columns; the limit is %d" % (len(line), limit)


def no_goto(path, text):
    if is_c(path):
        yield from found(r"\bgoto\b", without_comments(text), "goto")


def no_struct_typedef(path, text):
    if is_c(path):
        yield from found(r"\btypedef\s+(struct|union|enum)\b[^;(]*[;{]", without_comments(text),
                         "a typedef hides what it is")


UNFINISHED = "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3])


def nothing_unfinished(path, text):
    yield from found(r"\b(%s)\b" % UNFINISHED, text, "finish it or file it")


CODE_LINE = re.compile(r"^[\s/*]*(?:(?:if|for|while|switch)\s*\(.*\)\s*\{?|(?:return|break|continue)\b[^.]*;|"
                       r"[\w>.\[\]-]+\s*(?:=|\+=)[^.;]*;|[a-z_]\w*\([^.]*\);|#\s*(?:include|define)\b.*|\})[\s*/]*$")


def no_commented_out_code(path, text):
    if not is_c(path):
        return
    for number, comment in comments(text):
        for at, line in enumerate(comment.split("\n")):
            if CODE_LINE.match(line):
                yield number + at, "code in a comment: %s" % line.strip()
    yield from found(r"^\s*#\s*if\s+0\b", without_comments(text), "code switched off")


# Put together so that this file does not name them itself.
PLACES = [r"(?<![\w.])/%s/" % each for each in ("wo" + "rk", "ro" + "ot", "ho" + "me/[a-z]+", "tmp/hel" + "pers",
                                                "tmp/bui" + "ld-")]
HOSTS = [each.replace("-DOT-", r"\.") for each in (
    "repo1-DOT-maven", "repo-DOT-maven", "pypi-DOT-org", "pythonhosted-DOT-org", "registry-DOT-npmjs", "crates-DOT-io",
    "proxy-DOT-golang", "deb-DOT-debian", "security-DOT-debian", "archive-DOT-ubuntu",
    "arti" + "factory", r"\bnex" + r"us\b")]


def no_places(path, text):
    """Nothing names the machine it was written on, or where packages come from."""
    yield from found("|".join(PLACES), text, "a path of one machine")
    yield from found("|".join(HOSTS), text, "a package registry's host")


def opens_with_its_place(path, text):
    """A public header opens with `name: what it is`, a .c with a sentence of its place."""
    stem = os.path.splitext(os.path.basename(path))[0]
    opening = r"/\*\s*(?:\*\s*)?%s: \S" % re.escape(stem)
    if path.startswith("include/") and path.endswith(".h") and not re.match(opening, text):
        yield 1, "a header opens with /* %s: what it is" % stem
    elif path.endswith(".c") and path.startswith(("src/", "tests/")) and not re.match(r"/\*\s*(?:\*\s*)?\S", text):
        yield 1, "a .c opens with one sentence of its place"


def enum_constants(texts):
    """The constants of our own enums, written out or made by a list of X(NAME, ...)."""
    constants = set()
    for text in texts:
        plain = without_comments(text)
        for body in re.findall(r"\benum\s+\w*\s*\{([^}]*)\}", plain):
            constants.update(re.findall(r"\b[A-Z][A-Z0-9_]+\b", body))
        constants.update(re.findall(r"\bX\(\s*([A-Z][A-Z0-9_]+)\s*,", plain))
    return constants


def no_default_for(constants):
    def no_default(path, text):
        if not is_c(path):
            return
        plain = without_comments(text)
        for match in re.finditer(r"\bswitch\s*\(", plain):
            body, labels = switch_labels(plain, match.end())
            if "default" in labels and labels & constants:
                yield plain.count("\n", 0, body) + 1, "`default:` in a switch over our own enum hides a forgotten case"
    return no_default


def switch_labels(plain, position):
    """Where the body of a switch begins, and its own labels (not those of switches inside it)."""
    body = plain.find("{", position)
    depth, inner, labels, at = 0, [], set(), body
    for token in re.finditer(r"[{}]|\bswitch\b|\bcase\s+(\w+)|\b(default)\s*:", plain[body:]):
        word = token.group(0)
        if word == "{":
            depth += 1
        elif word == "}":
            depth -= 1
            if inner and depth <= inner[-1]:
                inner.pop()
            if depth == 0:
                break
        elif word == "switch":
            inner.append(depth)
        elif not inner:
            labels.add(token.group(1) or token.group(2))
    return at, labels


def found(pattern, text, why):
    for match in re.finditer(pattern, text, re.MULTILINE):
        yield text.count("\n", 0, match.start()) + 1, "%s: %s" % (why, match.group(0).strip())


# -- what the tools say ----------------------------------------------------------------------------------------------
LIBRARIES = ["libevent_core", "rdkafka", "libcurl", "hiredis", "libmicrohttpd", "yajl", "libxml-2.0", "yaml-0.1",
             "libcrypto"]


def compile_alone(path):
    """What the compiler says about a header that is the whole program; empty when nothing."""
    flags = subprocess.run(["pkg-config", "--cflags"] + LIBRARIES, capture_output=True, text=True, check=True).stdout
    folders = ["-I", ROOT + "/include", "-I", os.path.dirname(os.path.join(ROOT, path))]
    command = [CC, "-std=c17", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", *folders,
               *flags.split(), "-x", "c", "-"]
    program = '#include "%s"\ntypedef int not_empty;\n' % os.path.join(ROOT, path)
    return subprocess.run(command, input=program, capture_output=True, text=True, check=False).stderr


ALLOWED_SYMBOLS = re.compile(r"^(memcpy|memset|memcmp|memmove|memchr|strlen|__mem(cpy|set|move)_chk|__stack_chk_fail|"
                             r"__\w+[sdt]i[234]|"  # the compiler's own arithmetic
                             r"_GLOBAL_OFFSET_TABLE_|__(asan|ubsan|tsan|sanitizer|sanitizer_cov|gcov)_\w+)$")
STATUS_SYMBOLS = {"abort", "fprintf", "__fprintf_chk", "fwrite", "fflush", "stderr"}


def foreign_symbols(archive):
    """(object, symbol) of what an archive needs from elsewhere and may not."""
    listing = subprocess.run(["nm", archive], capture_output=True, text=True, check=True).stdout
    member, needed, defined = "", [], set()
    for line in listing.split("\n"):
        if line.endswith(":"):
            member = line[:-1]
        match = re.match(r"(?:[0-9a-f]+)?\s+([A-Za-z])\s+(\S+)$", line)
        if match and match.group(1) in "Uw":
            needed.append((member, match.group(2)))
        elif match:
            defined.add(match.group(2))
    return [(member, symbol) for member, symbol in needed
            if symbol not in defined and not ALLOWED_SYMBOLS.match(symbol)
            and not (member == "status.c.o" and symbol in STATUS_SYMBOLS)]
