"""Settings of the service: environment variables `WALKPRINT_*`, each with a default that works."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from app.loopback import is_loopback, is_safe_address
from app.secret_files import SecretFiles
from app.storage_place import StoragePlace

_MIB = 1024 * 1024
_DATABASES = ("sqlite", "postgresql", "postgresql+psycopg", "postgres")


class Settings(BaseSettings):
    """What can be set from outside. `Settings(data=...)` overrides the environment.

    A secret may come as a file instead: `WALKPRINT_DATABASE_URL_FILE` and so on, for every setting
    that is not shown (`app/secret_files.py`).

    Attributes:
        data: folder for everything the service keeps: database, uploads, instance files.
        database_url: SQLAlchemy URL; None means `walkprint.db` in the data folder.
        database_connections: most that this process opens to PostgreSQL, whose own limit must be
            above the sum of all processes (docs/operations.md). SQLite needs no limit.
        storage: where uploads lie until they are worked on (docs/storage.md): `s3://bucket/prefix`,
            or a folder that all machines have mounted. None means `uploads` in the data folder.
        storage_endpoint: URL of the S3 server; None means Amazon's.
        broker_url: amqp:// address of a RabbitMQ broker: `walkprint serve` then hands its jobs to
            it, and `walkprint worker` does them (docs/workers.md). None has the service do them
            itself. It may hold a password.
        worker_host: address of a worker's probes and metrics.
        worker_port: their TCP port; 0 lets the system choose.
        signing_key: Ed25519 private key (PEM) that signs the audit log and the receipts of
            erasures; made where there is none. None means `signing.key` in the data folder; several
            machines on one database need the same one.
        host: address to listen on; where others can reach it, keys or an issuer are needed.
        allowed_hosts: names that the service is called by, such as a proxy's (in the environment
            with commas between them). On loopback they come beside its own; elsewhere, none means
            any.
        bootstrap_key: a whole key that is made an administrator's at start, for machines that set
            up machines; `walkprint keys create` is for people (docs/access.md).
        port: TCP port; 0 lets the system choose.
        device: where the network runs.
        runtime: what runs it on a CPU; auto is OpenVINO where it is installed.
        checkpoint: weights to install at start; they serve at once where nobody is enrolled yet,
            and after `walkprint checkpoints activate` elsewhere (docs/checkpoints.md). None means
            the ones that ship with the package.
        segmenter: what tells people from the scene: `background`, or `onnx:` and the file of a
            network (docs/segmenter.md), which needs no camera that stands still.
        workers: threads that turn recordings into GEIs.
        batch_size: most GEIs in one forward pass.
        batch_latency_ms: how many milliseconds a forward pass may take; the most GEIs in it are
            then measured when a checkpoint is loaded (docs/gpu.md). None keeps to batch_size.
        max_upload_bytes: most bytes of one request body.
        max_checkpoint_bytes: most bytes of a checkpoint that is installed over HTTP.
        max_import_bytes: most bytes of a gallery file that is imported.
        max_connections: open at the same time; the system may have room for fewer.
        head_seconds: how long a caller may take to send the headers of a request.
        body_grace_seconds: how long a caller may fall behind a kilobyte a second in its body.
        max_queued_jobs: jobs waiting beyond which calls are answered 503.
        wait_seconds: how long a request waits for its job before it answers 202.
        target_fpir: share of strangers that may be taken for someone enrolled, 0 < x < 1.
        target_fmr: share of impostors that /verify may accept, 0 < x < 1.
        duplicate_fmr: false match rate at which an enrolment names possible duplicates, 0 < x < 1.
        enroll_min_quality: walks judged below this score are not enrolled, 0 to 1; None refuses
            those that are called poor.
        lease_seconds: how long a worker may be silent before its jobs go to another.
        keep_jobs_hours: how long finished jobs, which hold decisions about people, are kept.
        index: `exact` compares a probe with every template; `approximate` with those that seem
            close, several times as fast in large galleries (docs/registry-scale.md); `milvus` keeps
            the vectors in a Milvus that all processes share (docs/milvus.md).
        milvus_uri: of that Milvus, http://host:19530; a file that ends in .db is Milvus Lite.
        milvus_token: user:password, or an API key.
        milvus_prefix: what the names of this service's collections begin with; two services in one
            Milvus need two.
        milvus_index: how Milvus finds neighbours: `flat` compares all; `hnsw` and `ivf_sq8` miss
            some, faster.
        undo_merges_days: how long merged subjects can be told apart again.
        requests_per_minute: calls of one caller, in each process, unless their key says otherwise
            (docs/access.md); 0 for as many as they like.
        failures_per_minute: calls without a right key from one address that are told so, in each
            process; the others are told to wait. 0 for all.
        oidc_issuer: URL of the OpenID Connect issuer whose tokens are accepted beside keys
            (docs/oidc.md); None accepts none.
        oidc_audience: what this service is called there.
        oidc_scope_claim: the claim of a token that says what its bearer may do.
        oidc_galleries_claim: the claim that says which galleries they see.
        master_key: what biometrics are encrypted under: 32 bytes in base64 (docs/encryption.md);
            None stores them as they are, unless `master_key_file` is set.
        old_master_keys: those before it, with commas between them, while something is still
            encrypted under them.
        master_key_file: in place of both: one key a line, the current one first.
        log_level: of the service's own log.
        log_json: one JSON object per line instead of text for people.
        traces: URL of an OTLP/HTTP collector, http://collector:4318 (docs/operations.md); None
            records nothing.
        traces_ratio: share of the calls that are traced, 0 to 1, unless their caller has decided.
    """

    model_config = SettingsConfigDict(
        env_prefix="WALKPRINT_",
        # Compose cannot leave a variable out: `${NAME:-}` is empty where nobody set it.
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        # What was set may be a key.
        hide_input_in_errors=True,
    )

    data: Path = Path("data")
    # May hold a password, which no line of a log needs.
    database_url: str | None = Field(default=None, repr=False)
    database_connections: int = Field(default=16, ge=4, le=1000)
    storage: str | None = None
    storage_endpoint: str | None = Field(default=None, pattern=r"^https?://[^/?#@]+/?$")
    broker_url: SecretStr | None = None
    worker_host: str = "127.0.0.1"
    worker_port: int = Field(default=9100, ge=0, le=65535)
    signing_key: Path | None = None
    host: str = "127.0.0.1"
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    bootstrap_key: SecretStr | None = None
    port: int = Field(default=8000, ge=0, le=65535)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    runtime: Literal["auto", "onnxruntime", "openvino"] = "auto"
    checkpoint: Path | None = None
    segmenter: str = Field(default="background", pattern=r"^(background|onnx:.+)$")
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)
    batch_size: int = Field(default=32, ge=1, le=1024)
    batch_latency_ms: float | None = Field(default=None, gt=0.0)
    max_upload_bytes: int = Field(default=200 * _MIB, ge=1)
    max_checkpoint_bytes: int = Field(default=256 * _MIB, ge=1)
    max_import_bytes: int = Field(default=16 * 1024 * _MIB, ge=1)
    max_connections: int = Field(default=4000, ge=16)
    head_seconds: float = Field(default=10.0, gt=0.0)
    body_grace_seconds: float = Field(default=30.0, gt=0.0)
    max_queued_jobs: int = Field(default=1000, ge=1)
    wait_seconds: float = Field(default=60.0, ge=0.0, le=3600.0)
    target_fpir: float = Field(default=0.01, gt=0.0, lt=1.0)
    target_fmr: float = Field(default=0.001, gt=0.0, lt=1.0)
    duplicate_fmr: float = Field(default=0.0001, gt=0.0, lt=1.0)
    enroll_min_quality: float | None = Field(default=None, ge=0.0, le=1.0)
    lease_seconds: float = Field(default=30.0, gt=0.0)
    keep_jobs_hours: float = Field(default=24.0, gt=0.0)
    index: Literal["exact", "approximate", "milvus"] = "exact"
    # May hold a password.
    milvus_uri: str | None = Field(default=None, repr=False)
    milvus_token: SecretStr | None = None
    milvus_prefix: str = Field(default="walkprint", pattern=r"^[A-Za-z][A-Za-z0-9]{0,63}$")
    milvus_index: Literal["flat", "hnsw", "ivf_sq8"] = "flat"
    undo_merges_days: float = Field(default=7.0, gt=0.0, le=3650.0)
    requests_per_minute: int = Field(default=6000, ge=0)
    failures_per_minute: int = Field(default=30, ge=0)
    oidc_issuer: str | None = None
    oidc_audience: str | None = Field(default=None, min_length=1)
    oidc_scope_claim: str = Field(default="scope", min_length=1)
    oidc_galleries_claim: str = Field(default="walkprint_galleries", min_length=1)
    master_key: SecretStr | None = None
    old_master_keys: SecretStr | None = None
    master_key_file: Path | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_json: bool = False
    traces: str | None = Field(default=None, pattern=r"^https?://[^?#@]+$")
    traces_ratio: float = Field(default=1.0, ge=0.0, le=1.0)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The caller's words, then the environment, then files that the environment names."""
        return init_settings, env_settings, SecretFiles(settings_cls)

    @property
    def resolved_database_url(self) -> str:
        """The database to open: the one that was set, or the file in the data folder."""
        if self.database_url is not None:
            return self.database_url
        return f"sqlite:///{self.data.resolve() / 'walkprint.db'}"

    @property
    def signing_key_file(self) -> Path:
        """Where the service's own key lies."""
        return self.signing_key or self.data / "signing.key"

    @property
    def uploads_folder(self) -> Path:
        """Where recordings lie while their job runs, or pass through where storage is a bucket."""
        return self.data / "uploads"

    @property
    def storage_place(self) -> StoragePlace:
        """What `storage` says."""
        return StoragePlace.parse(self.storage)

    @property
    def snapshots_folder(self) -> Path:
        """Where indexes are kept between two runs."""
        return self.data / "snapshots"

    @property
    def segmentation_network(self) -> Path | None:
        """The file that `segmenter` names; None for the background."""
        kind, _, path = self.segmenter.partition(":")
        return Path(path) if kind == "onnx" else None

    @property
    def is_loopback(self) -> bool:
        """True when only programs on this machine can reach `host`."""
        return is_loopback(self.host)

    @property
    def has_master_key(self) -> bool:
        """Whether what is stored is sealed under a key."""
        return self.master_key is not None or self.master_key_file is not None

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split(cls, names: object) -> object:
        """Names out of one text with commas between them."""
        if not isinstance(names, str):
            return names
        return tuple(name.strip().lower() for name in names.split(",") if name.strip())

    @field_validator("database_url")
    @classmethod
    def _check_database(cls, url: str | None) -> str | None:
        """Another kind of database is said at start; the address itself may hold a password."""
        if url is not None and url.partition(":")[0] not in _DATABASES:
            raise ValueError("it must begin with sqlite:///path or postgresql://user@host/name")
        return url

    @field_validator("storage")
    @classmethod
    def _check_storage(cls, storage: str | None) -> str | None:
        """What cannot be read is said at start, and so is a package that is missing."""
        StoragePlace.parse(storage)
        return storage

    @model_validator(mode="after")
    def _check_endpoint(self) -> Self:
        """An endpoint alone would be a bucket that was forgotten."""
        if self.storage_endpoint is not None and self.storage_place.bucket is None:
            raise ValueError("storage_endpoint belongs to a storage that begins with s3://")
        return self

    @model_validator(mode="after")
    def _check_master_keys(self) -> Self:
        """Of two places for a key, one would be forgotten when it is changed."""
        if self.master_key_file is not None and (self.master_key or self.old_master_keys):
            raise ValueError("master_key_file holds all keys: set it, or master_key, not both")
        if self.old_master_keys is not None and self.master_key is None:
            raise ValueError("old_master_keys are those before master_key, which is not set")
        return self

    @model_validator(mode="after")
    def _check_milvus(self) -> Self:
        """Milvus is where the vectors would go: nobody guesses that."""
        if self.index == "milvus" and self.milvus_uri is None:
            raise ValueError("index=milvus needs milvus_uri, the address of the Milvus")
        return self

    @model_validator(mode="after")
    def _check_issuer(self) -> Self:
        """An issuer without an audience would accept tokens that were made out for others."""
        if (self.oidc_issuer is None) != (self.oidc_audience is None):
            raise ValueError("oidc_issuer and oidc_audience are set together, or neither is")
        if self.oidc_issuer is not None and not is_safe_address(self.oidc_issuer):
            raise ValueError("oidc_issuer must be an https URL, or one of this very machine")
        return self
