"""Kernels on this machine: a spool of plain files, and the worker that runs what lies in it."""
