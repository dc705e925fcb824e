-- +goose Up
-- What attributes, their values and categories are called in other languages than the shop's own, as last told: a field ("attr.size") where the
-- value is empty, else a value of one ("category", "shirts").
CREATE TABLE names (
    field text  NOT NULL,
    value text  NOT NULL,
    texts jsonb NOT NULL,
    PRIMARY KEY (field, value)
);

-- +goose Down
DROP TABLE names;
