"""Tables of what is trained on and what came out: data sets, their items, models, and what is published.

Times are seconds since 1970. Both databases have the tables; all of it lives in production's.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, Text, UniqueConstraint, true
from sqlalchemy.orm import Mapped, declared_attr, mapped_column
from sqlalchemy.schema import SchemaItem


class DatasetColumns:
    """One row a data set."""

    __tablename__ = "datasets"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    created_by: Mapped[int | None]
    created_at: Mapped[float]
    changed_at: Mapped[float]
    #: Rises with every change of its items: what was found out about another version is old.
    version: Mapped[int] = mapped_column(default=1)
    #: classification, detection or segmentation: whether its items have a label, boxes or a mask.
    task: Mapped[str] = mapped_column(Text, default="classification", server_default="classification")
    #: Of the last two: JSON list of [number, name] in the order that people gave; [] where labels are the classes.
    classes: Mapped[str] = mapped_column(Text, default="[]", server_default="[]")


class DatasetItemColumns:
    """One row a picture, with what is true of it."""

    __tablename__ = "dataset_items"

    @declared_attr.directive
    def __table_args__(cls) -> tuple[SchemaItem, ...]:
        return (
            Index("ix_dataset_items_dataset", "dataset_id", "id"),
            Index("ix_dataset_items_label", "dataset_id", "label", "id"),
            Index("ix_dataset_items_split", "dataset_id", "split", "id"),
            Index("ix_dataset_items_content", "dataset_id", "sha256"),
            Index("ix_dataset_items_import", "import_key", unique=True),
            Index("ix_dataset_items_annotated", "dataset_id", "is_annotated", "id"),
        )

    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int]
    #: "" where boxes or a mask say what is on it.
    label: Mapped[str] = mapped_column(Text)
    #: train, val or test; "": the split of a training decides.
    split: Mapped[str] = mapped_column(Text, default="")
    #: Below the data set's folder; made by the server, never by a client.
    file_name: Mapped[str] = mapped_column(Text)
    #: What the client called it, for people.
    original_name: Mapped[str] = mapped_column(Text, default="")
    #: Items made from one original have the same; "": an original.
    source: Mapped[str] = mapped_column(Text, default="")
    #: Of the file, in hex.
    sha256: Mapped[str] = mapped_column(Text)
    #: Of the upright picture, in pixels.
    width: Mapped[int]
    height: Mapped[int]
    #: Bytes of the file.
    size: Mapped[int] = mapped_column(BigInteger)
    added_at: Mapped[float]
    #: Unique for each item that a job brings, so that one taken in twice is there once.
    import_key: Mapped[str | None] = mapped_column(Text)
    #: JSON list, see `stored_boxes`; NULL: nobody has looked for things to box, or it is no item of boxes.
    boxes: Mapped[str | None] = mapped_column(Text)
    #: Below the data set's folder; pixels are the numbers of classes.
    mask_file: Mapped[str | None] = mapped_column(Text)
    #: Whether a label, boxes (none of them, too) or a mask say what is on it.
    is_annotated: Mapped[bool] = mapped_column(default=True, server_default=true())


class DatasetItemClassColumns:
    """One row a class that is on a picture of boxes or with a mask."""

    __tablename__ = "dataset_item_classes"

    dataset_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    class_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    item_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, index=True)
    #: Boxes, or pixels.
    amount: Mapped[int] = mapped_column(BigInteger)


class ModelColumns:
    """One row a version of a model; `name` is what its versions have in common."""

    __tablename__ = "models"

    @declared_attr.directive
    def __table_args__(cls) -> tuple[SchemaItem, ...]:
        return (UniqueConstraint("name", "version", name="uq_models_name_version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    #: 1, 2, … of its name.
    version: Mapped[int]
    #: classification, detection or segmentation.
    task: Mapped[str] = mapped_column(Text, default="classification")
    #: checking, ready or refused.
    state: Mapped[str] = mapped_column(Text)
    #: Why it was refused.
    reason: Mapped[str | None] = mapped_column(Text)
    #: The model folder.
    folder: Mapped[str] = mapped_column(Text)
    #: trained or uploaded.
    origin: Mapped[str] = mapped_column(Text)
    #: The training job, or the job that checked the upload.
    job_id: Mapped[int | None] = mapped_column(unique=True)
    #: What it was trained on, where that is a data set of the library.
    dataset_id: Mapped[int | None] = mapped_column(index=True)
    #: JSON object, as the model folder's metrics.json; {} where nothing is known.
    metrics: Mapped[str] = mapped_column(Text, default="{}")
    #: JSON list in output order.
    class_names: Mapped[str] = mapped_column(Text, default="[]")
    created_by: Mapped[int | None]
    created_at: Mapped[float]


class PublicationColumns:
    """One row an act of publishing; the newest of an environment and predictor name says what is served."""

    __tablename__ = "publications"

    @declared_attr.directive
    def __table_args__(cls) -> tuple[SchemaItem, ...]:
        return (Index("ix_publications_predictor", "environment", "predictor_name", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    #: production or test.
    environment: Mapped[str] = mapped_column(Text)
    predictor_name: Mapped[str] = mapped_column(Text)
    #: None: unpublished.
    model_id: Mapped[int | None] = mapped_column(index=True)
    published_by: Mapped[int | None]
    published_at: Mapped[float]
