#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""docs/openapi.json against the tables' own text and the golden documents.

  check.py [--self-test] OPENAPI   (from the top of the tree)

Every row and method of common/res.def is an operation with its security; each golden answer is an
example; each example, in JSON and in XML, is valid by its schema; no secret is ever answered; no
schema is unused. --self-test shows that each of these can fail.
"""
import copy
import glob
import json
import os
import re
import sys
import warnings
import xml.etree.ElementTree as ET

warnings.simplefilter("ignore", DeprecationWarning)
from jsonschema import Draft202012Validator  # noqa: E402


class Document:
    def __init__(self, doc):
        self.doc, self.wrong, self.checks = doc, [], 0

    def expect(self, fine, what):
        self.checks += 1
        if not fine:
            self.wrong.append(what)

    def find(self, thing):
        while isinstance(thing, dict) and "$ref" in thing:
            at = self.doc
            for part in thing["$ref"].lstrip("#/").split("/"):
                at = at[part.replace("~1", "/")]
            thing = at
        return thing

    # --- rows ---------------------------------------------------------------------------------
    def rows(self, text):
        return re.findall(r'^R\(\d+, (\w+), "([^"]*)",\s*([A-Z_| ]+),(.*?\.doc = )', text, re.M | re.S)

    def check_rows(self, text):
        rows = self.rows(text)
        self.expect(len(rows) == len(re.findall(r"^R\(", text, re.M)), "res.def cannot be read")
        self.expect(set(self.doc["paths"]) == {r[1] for r in rows}, "paths are not those of the rows")
        for name, path, methods, rest in rows:
            item = self.doc["paths"].get(path, {})
            want = {m.strip()[2:].lower() for m in methods.split("|")} | {"options"}
            want |= {"head"} if "get" in want and ".no_head = true" not in rest else set()
            have = set(item) - {"description", "parameters"}
            self.expect(have == want, f"{path}: {sorted(have)} instead of {sorted(want)}")
            named = {p["name"] for p in item.get("parameters", []) if p["in"] == "path"}
            self.expect(named == set(re.findall(r"{(\w+)}", path)), f"{path}: path parameters")
            for method in have & want:
                self.check_operation(name, path, method, item[method], rest)

    def check_operation(self, name, path, method, op, rest):
        what, status = f"{method} {path}", op["responses"]
        public = "ACCESS_PUBLIC" in rest or method == "options"
        self.expect((op.get("security") == []) == public, f"{what}: security")
        self.expect(("401" in status) == (not public), f"{what}: 401")
        self.expect({"200", "400", "default"} <= set(status), f"{what}: statuses")
        reads = method in ("put", "post") and "BODY_IGNORED" not in rest and (
            ".record" in rest or ".input" in rest or ("BODY_FILE" in rest and method == "post"))
        self.expect(("requestBody" in op) == reads, f"{what}: request body")
        self.expect(not reads or {"413", "415"} <= set(status), f"{what}: statuses of documents")
        if method == "get" and ".record" in rest:
            self.check_golden(name, what, self.find(status["200"]).get("content", {}))

    def check_golden(self, name, what, content):
        for file in glob.glob(f"tests/golden/{name.lower()}/get*"):
            # Tests read answers in JSON that no client gets.
            if file.endswith(".json") and not any("json" in media for media in content):
                continue
            base, ending = os.path.basename(file).split(".", 1)
            kinds = {"json": ["application/json"], "xml": ["text/xml", "application/xml"]}[ending]
            for kind in ["text/event-stream"] if "text/event-stream" in content else kinds:
                self.expect(base in content.get(kind, {}).get("examples", {}), f"{what}: no {file}")

    # --- examples -----------------------------------------------------------------------------
    def value(self, element, schema, what):
        """What an element means by its schema."""
        schema = self.find(schema)
        kind = schema.get("type")
        if kind == "object":
            ret = {}
            for name, text in element.attrib.items():
                fine = schema["properties"].get(name, {}).get("xml", {}).get("attribute")
                self.expect(fine, f"{what}: unknown attribute {name}")
                ret[name] = text
            for child in element:
                self.expect(child.tag in schema["properties"], f"{what}: unknown <{child.tag}>")
                self.expect(child.tag not in ret, f"{what}: <{child.tag}> twice")
                ret[child.tag] = self.value(child, schema["properties"].get(child.tag, {}), what)
            return ret
        if kind == "array":
            self.expect(schema.get("xml", {}).get("wrapped") is True, f"{what}: list not wrapped")
            item = schema["items"].get("xml", {}).get("name")
            self.expect(all(c.tag == item for c in element), f"{what}: items are not <{item}>")
            return [self.value(child, schema["items"], what) for child in element]
        text = element.text or ""
        if kind == "integer" and re.fullmatch(r"-?\d+", text):
            return int(text)
        return {"true": True, "false": False}.get(text, text) if kind == "boolean" else text

    def check_example(self, kind, media, value, what):
        schema = media["schema"]
        if kind.endswith("xml"):
            root = ET.fromstring(value)
            name = schema.get("xml", self.find(schema).get("xml", {})).get("name")
            self.expect(root.tag == name, f"{what}: root <{root.tag}> instead of <{name}>")
            value = self.value(root, schema, what)
        if kind == "text/event-stream":
            self.expect(value.endswith("\n\n"), f"{what}: no end")
            fields = dict(line.split(": ", 1) for line in value.strip().split("\n"))
            value, schema = json.loads(fields["data"]), schema["x-data"]
            self.expect(fields["id"] == str(value["id"]), f"{what}: id")
            self.expect(fields["event"] == value["type"], f"{what}: event")
        errors = list(Draft202012Validator(
            {"allOf": [schema], "components": self.doc["components"]}).iter_errors(value))
        self.expect(not errors, f"{what}: {errors[0].message if errors else ''}")

    def check_contents(self, at, where=""):
        if isinstance(at, dict):
            for kind, media in at.get("content", {}).items() if isinstance(at.get("content"), dict) else ():
                for name, example in media.get("examples", {}).items():
                    self.check_example(kind, media, example["value"], f"{where} {kind} {name}")
            for key, below in at.items():
                self.check_contents(below, f"{where}/{key}")

    # --- schemas ------------------------------------------------------------------------------
    def check_schemas(self, secrets):
        used = json.dumps(self.doc)
        for name, schema in self.doc["components"]["schemas"].items():
            try:
                Draft202012Validator.check_schema(schema)
            except Exception as e:
                self.expect(False, f"schema {name}: {e}")
            self.expect(f'"#/components/schemas/{name}"' in used, f"schema {name} is not used")
            answered = not re.search(r"(Input|Update)$", name)
            for member, p in schema.get("properties", {}).items():
                self.expect(not (answered and (member in secrets or p.get("writeOnly"))),
                            f"schema {name}: the secret {member}")
                self.expect(p.get("description") or "$ref" in p, f"schema {name}: {member} without text")


def secret_names():
    """Names of secret fields that no other record has as a plain one."""
    secret, plain = set(), set()
    for file in glob.glob("common/rec/*.def"):
        for line in open(file, encoding="utf-8"):
            m = re.match(r"\t(?:BOOL|INT|STR|BIN|ENU|SUB|LIST|STRS|INTS) *\(\w+, *\d+, (\w+),", line)
            if m:
                wire = re.search(r'\.wire = "(\w[\w-]*)"', line)
                (secret if "F_SECRET" in line else plain).add(wire.group(1) if wire else m.group(1))
    return secret - plain


def check(doc):
    d = Document(doc)
    d.check_rows(open("common/res.def", encoding="utf-8").read())
    d.check_contents(doc)
    d.check_schemas(secret_names())
    return d


def self_test(doc):
    def examples(x, kind):
        return x["paths"]["/my/forward"]["get"]["responses"]["200"]["content"][kind]["examples"]

    def schemas(x):
        return x["components"]["schemas"]

    secret = sorted(secret_names())[0]
    broken = {
        "a lost path": lambda x: x["paths"].pop("/my/forward"),
        "a lost method": lambda x: x["paths"]["/my/forward"].pop("put"),
        "a lost status": lambda x: x["paths"]["/my/forward"]["get"]["responses"].pop("401"),
        "a lost request": lambda x: x["paths"]["/my/forward"]["put"].pop("requestBody"),
        "an open row": lambda x: x["paths"]["/my/forward"]["get"].update(security=[]),
        "a lost example": lambda x: examples(x, "text/xml").pop("get"),
        "a wrong example": lambda x: examples(x, "application/json")["get"].update(value={}),
        "a wrong root": lambda x: examples(x, "text/xml")["get"].update(value="<x/>"),
        "a wrong item": lambda x: examples(x, "text/xml")["get-two"].update(
            value=examples(x, "text/xml")["get-two"]["value"].replace("ring>", "rung>")),
        "a wrong value": lambda x: examples(x, "text/xml")["get"].update(
            value=examples(x, "text/xml")["get"]["value"].replace(">25<", ">x<")),
        "a secret": lambda x: schemas(x)["Forward"]["properties"].update(
            {secret: {"type": "string", "description": "x"}}),
        "an unused schema": lambda x: schemas(x).update(Nobody={"type": "object"}),
        "a bad schema": lambda x: schemas(x)["Forward"].update(type="thing"),
    }
    for what, change in broken.items():
        worse = copy.deepcopy(doc)
        change(worse)
        try:
            found = check(worse).wrong
        except Exception as e:  # A document that cannot even be walked is found out as well.
            found = [e]
        if not found:
            print(f"self-test: {what} was not found")
            return 1
    print(f"check.py: self-test passed, {len(broken)} faults found")
    return 0


def main():
    test = sys.argv[1] == "--self-test"
    doc = json.load(open(sys.argv[-1], encoding="utf-8"))
    if test and self_test(doc) != 0:
        return 1
    d = check(doc)
    for line in d.wrong:
        print("check.py:", line)
    print(f"check.py: {d.checks} checks, {len(d.wrong)} wrong")
    return 1 if d.wrong else 0


sys.exit(main())
