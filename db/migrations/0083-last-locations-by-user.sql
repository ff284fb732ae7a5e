-- Drivers' places are written for many of them at once, several times a minute. Stand-alone it was created with the table; where Laravel
-- has an index of its own on the user, this one is its double.
-- = may stand
ALTER TABLE user_last_locations ADD KEY user_last_locations_user (user_id)
