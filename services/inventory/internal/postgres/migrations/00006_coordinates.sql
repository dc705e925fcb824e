-- +goose Up
-- Where a location stands; NULL: nobody has said it.
ALTER TABLE locations
    ADD COLUMN latitude  double precision CONSTRAINT locations_latitude CHECK (latitude BETWEEN -90 AND 90),
    ADD COLUMN longitude double precision CONSTRAINT locations_longitude CHECK (longitude BETWEEN -180 AND 180),
    ADD CONSTRAINT locations_coordinates CHECK ((latitude IS NULL) = (longitude IS NULL));

-- +goose Down
ALTER TABLE locations DROP COLUMN latitude, DROP COLUMN longitude;
