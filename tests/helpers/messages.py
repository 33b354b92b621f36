"""The emulator's protobuf messages in a process that has Google's clients too.

`load` registers packages without executing them, which would leave tests of the clients empty ones.
"""

import google.cloud.aiplatform_v1
import google.cloud.dataflow_v1beta3
import google.cloud.secretmanager_v1  # noqa: F401 - whole, before `load`

from dagfactory.emulator import protos

protos.load()
vertex = protos.vertex
