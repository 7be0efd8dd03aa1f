"""The JSON Schema of the configuration is a schema, takes what the program takes, and refuses what it refuses.

usage: config_sample_test.py CONFIG_TOOL SOURCE_DIR
"""
import json
import pathlib
import subprocess
import sys

import jsonschema
import yaml

# Files whose faults no schema can see: they lie between options, in other files, in librdkafka, or in YAML itself.
BEYOND_THE_SCHEMA = {
    "belong_together", "references", "foreign_post_link", "no_post_link", "bad_secrets", "kafka_refused",
    "anchors", "consents", "minimal", "duplicate_keys", "two_documents", "not_yaml", "tabs",
}


def main():
    tool, source = sys.argv[1], pathlib.Path(sys.argv[2])
    schema = json.loads(subprocess.run([tool, "schema"], check=True,
                                       capture_output=True, text=True).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    failures = []
    for file in [source / "config/payoutd.yaml", source / "tests/unit/config/minimal.yaml",
                 source / "tests/unit/config/consents.yaml"]:
        for error in validator.iter_errors(yaml.safe_load(file.read_text())):
            failures.append(f"{file.name} should be valid: {error.message}")
    for file in sorted((source / "tests/unit/config").glob("*.yaml")):
        if file.stem in BEYOND_THE_SCHEMA:
            continue
        if validator.is_valid(yaml.safe_load(file.read_text())):
            failures.append(f"{file.name} should not be valid")
    print("\n".join(failures) or "the schema and the program agree")
    return 1 if failures else 0


sys.exit(main())
