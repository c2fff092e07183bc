"""From tape to verdict: lake, tape, metrics, study, gates, registry, plots."""

import os

# MLflow reads these when it is first imported, from whichever module of this room.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# A client whose server is down otherwise blocks for minutes.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
# Neither bars nor the log of table creation belong in a command's output.
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
