-- The statements of UpdateOrganisation, in its order. What the service computes is constant here or
-- made of a counter: of equal length, and as near to each other in the indexes as ids in the order
-- of birth are.
\set n :n + 1
\set organisation random(0, :organisations - 1)
BEGIN;
INSERT INTO request_log (subject, request_id, method, body_hash, created_at)
VALUES ('bench', (lpad(to_hex(:run::integer), 8, '0') || lpad(to_hex(:client_id::integer), 8, '0') || lpad(to_hex(:n::bigint), 16, '0'))::uuid, '/handslag.registry.v1.RegistryService/UpdateOrganisation', '\x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', now())
ON CONFLICT (subject, request_id) DO NOTHING
RETURNING set_config('handslag.request_id', request_id::text, true) AS cause;
SELECT id, display_name, kind, level, roles, areas, notes, example, version
FROM organisation WHERE id = (:prefix::text || lpad(to_hex(:organisation::bigint), 12, '0'))::uuid FOR UPDATE \gset current_
UPDATE organisation SET display_name = 'Föreningen för den idéburna sektorn i Stockholm', kind = 'association', level = 'local', roles = '{provider}', areas = '{social}', version = :current_version::bigint + 1
WHERE id = :current_id::uuid AND version = :current_version::bigint;
INSERT INTO outbox (aggregate, aggregate_id, version, id, type, district, subject, actor, time, traceparent, payload)
VALUES ('organisation', replace(:current_id::text, '-', ''), :current_version::bigint + 1, (lpad(to_hex(:run::integer), 8, '0') || lpad(to_hex(:client_id::integer), 8, '0') || lpad(to_hex(:n::bigint), 16, '0'))::uuid, 'se.handslag.registry.organisation.updated.v1', 'all', 'organisations/' || replace(:current_id::text, '-', ''), 'bench', now(), NULL, convert_to(:event, 'UTF8'));
SELECT organisation, number FROM organisation_number
WHERE organisation = ANY(ARRAY[:current_id::uuid]) AND valid @> current_date;
UPDATE request_log SET response = convert_to(:answer, 'UTF8')
WHERE subject = 'bench' AND request_id = (lpad(to_hex(:run::integer), 8, '0') || lpad(to_hex(:client_id::integer), 8, '0') || lpad(to_hex(:n::bigint), 16, '0'))::uuid;
COMMIT;
