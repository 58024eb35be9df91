-- A database for each service, a role that owns its tables, and the role of the service, which may do no DDL.
\set password `cat /passwords/password`
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', 'handslag_' || service || suffix, :'password')
  FROM unnest(ARRAY['registry', 'commitments', 'notifications', 'reporting']) service, unnest(ARRAY['', '_owner']) suffix
\gexec
SELECT format(sentence, 'handslag_' || service, 'handslag_' || service || '_owner')
  FROM unnest(ARRAY['registry', 'commitments', 'notifications', 'reporting']) service,
       unnest(ARRAY['CREATE DATABASE %1$I OWNER %2$I', 'REVOKE ALL ON DATABASE %1$I FROM PUBLIC',
                    'GRANT CONNECT ON DATABASE %1$I TO %1$I']) WITH ORDINALITY AS said (sentence, place)
 ORDER BY place
\gexec
