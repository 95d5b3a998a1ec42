"""Chalice, in a process of its own, so that it loads the staged house and no other."""

import os
import sys
from pathlib import Path

from chalice.cli.factory import CLIFactory
from chalice.deploy.validate import validate_configuration, validate_lambda_architecture


def main(project: str, stage: str, merged: str, out: str) -> None:
    """Validate the application, which `chalice package` does not, and package it."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # Chalice asks; nothing is called
    factory = CLIFactory(project)
    config = factory.create_config_obj(chalice_stage_name=stage)
    validate_configuration(config)
    validate_lambda_architecture(config)
    options = factory.create_package_options()
    packager = factory.create_app_packager(config, options, "cloudformation", "json", merged)
    packager.package_app(config, out, stage)
    loaded = Path(sys.modules["chalicelib"].__file__ or "").resolve()
    assert loaded.is_relative_to(Path(project).resolve()), "another house was packed"


if __name__ == "__main__":
    main(*sys.argv[1:])
