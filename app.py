"""Shoukuan's functions: rooms registered, nothing else.

Without `API_PART` everything is here, for the local runner, a container, and Chalice, which writes
the template from it. A deployed function of the API is told which part it serves, and enters a
room when somebody asks for it; every other function is entered at its room's `jobs.py`.
"""

import os

from chalice.app import Chalice

from chalicelib.edge.http import remember_request

app = Chalice(app_name="shoukuan", configure_logs=False)
app.register_middleware(remember_request, "http")

if part := os.environ.get("API_PART"):
    from chalicelib.directory import doors

    app.register_blueprint(doors(part))
else:
    from chalicelib.front import BLUEPRINTS

    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
