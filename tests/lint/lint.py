#!/usr/bin/env python3
"""The house rules, executable. Run from the repository root: tests/lint/lint.py

Checks sources of common/, director/, transporter/ and tests/: lengths of files and functions, parameters, layering of
includes, banned calls, time and randomness outside the clock, `default:` in switches over our own enums,
marks of unfinished work, and that the top level holds what it should. Prints file:line: message; exit 1 if any."""
import os
import re
import subprocess
import sys

FILE_MAX = {".c": 600, ".h": 250}
FUNCTION_MAX = 100
PARAMETERS_MAX = 7
TOP_LEVEL = {"director", "transporter", "common", "proto", "tests", "deploy", "CMakeLists.txt", "README.md",
             "CMakePresets.json", "LICENSE"}
BANNED = ["sprintf", "strcpy", "strcat", "strncpy", "strncat", "atoi", "atol", "strtok", "gets", "system", "vsprintf",
          "alloca", "sleep", "usleep"]
CLOCK_ONLY = ["time", "rand", "random", "srand", "gettimeofday", "clock_gettime", "getrandom", "uv_now", "uv_hrtime",
              "RAND_bytes", "arc4random"]
CLOCK_FILES = {"common/base/clock.c"}
# Inside common/, a folder may include only folders that stand before it.
COMMON_ORDER = ["base", "loop", "config", "crypto", "net", "rpc", "vault"]
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")

failures = []


def fail(path, line, text):
    failures.append(f"{path}:{line}: {text}")


def tracked():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True)
    return [p for p in out.stdout.splitlines() if os.path.isfile(p)]


def strip_code(text):
    """Comments, strings and character constants become blanks; line numbers stay."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


FUNCTION = re.compile(r"^([A-Za-z_]\w*)\(([^;{}]*?)\)\n\{\n(.*?)^\}", re.M | re.S)


def check_functions(path, code):
    for m in FUNCTION.finditer(code):
        length = m[3].count("\n") + 3 + m[2].count("\n")
        line = line_of(code, m.start())
        if length > FUNCTION_MAX:
            fail(path, line, f"function {m[1]} has {length} lines, {FUNCTION_MAX} at the most")
        if m[1].startswith("on_"):
            continue  # a library's callback: its signature is given
        parameters = 0 if m[2].strip() in ("", "void") else re.sub(r"\([^()]*\)", "", m[2]).count(",") + 1
        parameters -= "..." in m[2]
        parameters -= bool(re.search(r"struct error \*\w+\s*(,|$)", m[2]))
        if parameters > PARAMETERS_MAX:
            fail(path, line, f"function {m[1]} takes {parameters} parameters, {PARAMETERS_MAX} at the most")


def check_calls(path, code):
    for name in BANNED:
        for m in re.finditer(rf"(?<![\w.>]){name}\(", code):
            fail(path, line_of(code, m.start()), f"{name}() is banned")
    if path in CLOCK_FILES or path.startswith("tests/"):
        return
    for name in CLOCK_ONLY:
        for m in re.finditer(rf"(?<![\w.>]){name}\(", code):
            fail(path, line_of(code, m.start()), f"{name}(): time and randomness come from struct clock")


def check_includes(path, text):
    parts = path.split("/")
    for m in re.finditer(r'^#include "([^"]+)"', text, re.M):
        target = m[1].split("/")
        line = line_of(text, m.start())
        if len(target) < 2:
            fail(path, line, f'"{m[1]}": include from the repository root')
            continue
        if parts[0] == "common" and target[0] in ("director", "transporter", "tests"):
            fail(path, line, f"common/ must not include {m[1]}")
        if parts[0] in ("director", "transporter") and target[0] in ({"director", "transporter", "tests"} - {parts[0]}):
            fail(path, line, f"{parts[0]}/ must not include {m[1]}")
        if parts[0] == target[0] == "common" and len(parts) > 2 and len(target) > 2:
            own, other = parts[1], target[1]
            for folder in (own, other):
                if folder not in COMMON_ORDER:
                    fail(path, line, f"common/{folder} has no place in the order of layers")
                    return
            if COMMON_ORDER.index(other) > COMMON_ORDER.index(own):
                fail(path, line, f"common/{own} must not include {m[1]}: layers go {' < '.join(COMMON_ORDER)}")


def enumerators(files):
    names = set()
    for path in files:
        if path.endswith((".h", ".c")):
            code = strip_code(open(path, encoding="utf-8").read())
            for m in re.finditer(r"\benum\s+\w+\s*\{([^}]*)\}", code):
                names.update(re.findall(r"(?:^|,)\s*([A-Z]\w+)", m[1]))
    return names


def wire_value(text, start, end):
    """`default: /* any other value from the wire */` marks a switch over a number that came from outside."""
    return re.search(r"default:\s*/\* any other value", text[start:end]) is not None


def check_switches(path, text, code, ours):
    for m in re.finditer(r"\bswitch\s*\(", code):
        start = code.find("{", m.end())
        depth, end = 0, start
        for end in range(start, len(code)):
            depth += (code[end] == "{") - (code[end] == "}")
            if depth == 0:
                break
        body = code[start:end]
        labels = re.findall(r"\bcase\s+(\w+)\s*:", body)
        if re.search(r"\bdefault\s*:", body) and any(label in ours for label in labels) and not wire_value(text, start, end):
            fail(path, line_of(code, m.start()), "switch over one of our enums has a default:")


def check_top_level(files):
    for name in sorted({p.split("/")[0] for p in files}):
        if not name.startswith(".") and name not in TOP_LEVEL:
            fail(name, 1, "does not belong at the top level")


def check_source(path, ours):
    text = open(path, encoding="utf-8").read()
    code = strip_code(text)
    lines = text.count("\n")
    limit = FILE_MAX[os.path.splitext(path)[1]]
    if lines > limit:
        fail(path, 1, f"{lines} lines, {limit} at the most")
    for number, line in enumerate(text.splitlines(), 1):
        if MARKS.search(line):
            fail(path, number, "a mark of unfinished work")
        if line != line.rstrip():
            fail(path, number, "white space at the end of the line")
    check_functions(path, code)
    check_calls(path, code)
    check_includes(path, text)
    check_switches(path, text, code, ours)


def main():
    files = tracked()
    check_top_level(files)
    sources = [p for p in files if p.endswith((".c", ".h")) and
               p.split("/")[0] in ("common", "director", "transporter", "tests")]
    ours = enumerators(sources)
    for path in sources:
        check_source(path, ours)
    for text in failures:
        print(text)
    print(f"lint: {len(sources)} sources, {len(failures)} findings")
    return 1 if failures else 0


sys.exit(main())
