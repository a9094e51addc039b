"""Configurations of the daemons under test, as YAML text."""


def settings(ports=None, api=None, **others):
    """A configuration: two ports that are each other's peer unless told otherwise, small numbers."""
    values = {"capacity": 1000, "workers": 1, "ports": ports or [port("a", 1), port("b", 2)], **others}
    if api:
        values["api"] = api
    return "".join(f"{key}: {_flow(value)}\n" for key, value in values.items())


def port(name, lif, **others):
    return {"name": name, "lif": lif, **others}


def _flow(value):
    """A value in YAML's flow style."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value).lower() if isinstance(value, bool) else str(value)
