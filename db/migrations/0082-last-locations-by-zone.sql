-- Whoever looks for the users of a zone would read the places of all users that there are. Stand-alone it was created with the table.
-- = may stand
ALTER TABLE user_last_locations ADD KEY user_last_locations_zone (zone_id, type)
