-- The drivers who are on a trip by Laravel's word, for whoever looks for those of them that have none.
-- = may stand
ALTER TABLE driver_details ADD KEY drivers_by_availability (availability_status, user_id)
