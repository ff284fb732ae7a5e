-- Events that their gateway is asked about: what only hints at a change, and when the gateway confirmed it.
ALTER TABLE webhook_events
  ADD COLUMN is_hint TINYINT NOT NULL DEFAULT 0 COMMENT '1: only the gateway''s answer makes a fact of it',
  ADD COLUMN confirmed_at DATETIME(3) NULL COMMENT 'when the gateway itself said so'
