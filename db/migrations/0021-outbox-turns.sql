-- Whose turn it is: the message of a key that is in flight. That there is one at most is the primary key's promise.
CREATE TABLE outbox_turns (
  topic VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  ordering_key VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  message_id BINARY(16) NOT NULL,
  PRIMARY KEY (topic, ordering_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
