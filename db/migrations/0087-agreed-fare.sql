-- What the rider and the driver agreed on, where the driver's bid was taken.
ALTER TABLE trip_details ADD COLUMN agreed_fare_minor BIGINT NULL COMMENT 'in the currency of the estimate; NULL: the estimate stands'
