-- A deployment repeats its workspace as every other row does: the server that it goes to is one of
-- the workspace that its service lies in.
ALTER TABLE deployments ADD COLUMN workspace_id uuid;
UPDATE deployments d SET workspace_id = s.workspace_id FROM services s WHERE s.id = d.service_id;
ALTER TABLE deployments ALTER COLUMN workspace_id SET NOT NULL;

-- One index serves the longer key in place of the shorter.
ALTER TABLE deployments DROP CONSTRAINT deployments_service_id_environment_id_fkey;
ALTER TABLE services DROP CONSTRAINT services_id_environment_id_key;
ALTER TABLE services ADD CONSTRAINT services_id_place_key
    UNIQUE (id, environment_id, workspace_id);
ALTER TABLE deployments ADD CONSTRAINT deployments_service_is_at_home
    FOREIGN KEY (service_id, environment_id, workspace_id)
    REFERENCES services (id, environment_id, workspace_id);

ALTER TABLE deployments DROP CONSTRAINT deployments_server_id_fkey;
ALTER TABLE deployments ADD CONSTRAINT deployments_server_is_at_home
    FOREIGN KEY (server_id, workspace_id) REFERENCES servers (id, workspace_id);
