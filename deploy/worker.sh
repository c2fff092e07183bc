#!/bin/sh
# Be the worker of a container: when it is stopped, quoting ends first and in order, its orders cancelled.
microvol serve worker &
worker=$!
trap 'microvol down; kill -TERM "$worker"' TERM INT
while kill -0 "$worker" 2>/dev/null; do
    wait "$worker"
done
