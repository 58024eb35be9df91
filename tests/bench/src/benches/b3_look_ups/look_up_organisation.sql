-- The statements of LookUpOrganisation. The last digit of a number is its checksum (Luhn): 11 is
-- what 802 adds, and every other digit counts double, as the sum of its digits.
\set n random(0, :organisations - 1)
\set a (:n / 10000 % 10) * 2
\set b (:n / 100 % 10) * 2
\set c (:n % 10) * 2
\set sum 11 + :n / 100000 % 10 + :n / 1000 % 10 + :n / 10 % 10 + :a / 10 + :a % 10 + :b / 10 + :b % 10 + :c / 10 + :c % 10
\set number 8020000000 + :n * 10 + (10 - :sum % 10) % 10
SELECT asked.id FROM unnest(ARRAY[:agreement::uuid]) AS asked (id)
WHERE NOT EXISTS (SELECT FROM agreement WHERE agreement.id = asked.id);
SELECT o.id, o.display_name, s.state, s.edition
FROM unnest(ARRAY[:number::text]) WITH ORDINALITY AS asked (number, ordinal)
LEFT JOIN organisation_number n ON n.number = asked.number AND n.valid @> current_date
LEFT JOIN organisation o ON o.id = n.organisation
LEFT JOIN LATERAL (
    SELECT state, edition FROM signatory_step
    WHERE agreement = :agreement::uuid AND organisation = o.id AND effective_from <= current_date
    ORDER BY number DESC LIMIT 1
) AS s ON true
ORDER BY asked.ordinal;
