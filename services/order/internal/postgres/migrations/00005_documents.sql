-- +goose Up
-- Invoices and credit notes (refund_id), numbered per legal entity and kind without gaps.
CREATE TABLE document_series (
    entity text   NOT NULL,
    prefix text   NOT NULL,
    last   bigint NOT NULL,
    CONSTRAINT document_series_once PRIMARY KEY (entity, prefix)
);
CREATE TABLE documents (
    entity_id text        NOT NULL,
    prefix    text        NOT NULL,
    sequence  bigint      NOT NULL,
    number    text        NOT NULL,
    order_id  text        NOT NULL,
    refund_id text        NOT NULL DEFAULT '',
    entity    jsonb       NOT NULL,
    issued_at timestamptz NOT NULL,
    CONSTRAINT documents_number PRIMARY KEY (entity_id, prefix, sequence),
    CONSTRAINT documents_once UNIQUE (order_id, refund_id)
);

-- +goose Down
DROP TABLE documents, document_series;
