"""PipelineJobs: an interpreter of compiled pipelines (PipelineSpec) over the queue of custom jobs.

It knows the emulator's store and custom jobs, and nothing of Kubeflow's packages.
"""
