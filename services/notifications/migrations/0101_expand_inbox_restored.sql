-- Where each inbox stood when the database was restored to an earlier instant: positions after it were
-- told before as well, and hold something else now.
CREATE TABLE inbox_restored (
    subscriber    uuid   NOT NULL REFERENCES subscriber (id),
    -- The incarnation that began then.
    incarnation   bigint NOT NULL,
    last_position bigint NOT NULL,
    PRIMARY KEY (subscriber, incarnation)
);

CREATE FUNCTION note_restored_inboxes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inbox_restored (subscriber, incarnation, last_position)
    SELECT id, NEW.number, last_position FROM subscriber;
    RETURN NULL;
END
$$;

-- In the transaction that begins the incarnation: an inbox that had gone on would have forgotten.
CREATE TRIGGER log_incarnation_note_inboxes AFTER INSERT ON log_incarnation
    FOR EACH ROW EXECUTE FUNCTION note_restored_inboxes();
