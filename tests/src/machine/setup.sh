# Run as root once, before a machine is saved: alice and dora are on call, nora is in docker by herself, bob approves.
groupadd oncall
groupadd docker
useradd -m -s /bin/bash -p '*' -G oncall alice
useradd -m -s /bin/bash -p '*' -G oncall dora
useradd -m -s /bin/bash -p '*' -G docker nora
useradd -m -s /bin/bash -p '*' bob
cat > /etc/jit/policy.d/10-machine.toml <<'POLICY'
[role.ids]
summary = "Look at ids"
risk    = "low"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/id"]] }

[role.docker]
summary = "Containers"
risk    = "high"
groups  = ["docker"]

[role.hosts]
summary = "Look at the hosts"
risk    = "low"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/cat", "/etc/hosts"]] }

[[rule]]
name         = "on-call at once"
roles        = ["ids", "docker"]
eligible     = { groups = ["oncall"] }
max_duration = "8h"

[[rule]]
name            = "hosts with somebody behind it"
roles           = ["hosts"]
eligible        = { groups = ["oncall"] }
max_duration    = "1h"
approvals       = [{ by = { users = ["bob"] } }]
pending_timeout = "30m"
POLICY
# What the disk has before anything of jitd runs, and what there is when the first person may log in.
cat > /etc/systemd/system/seen-early.service <<'UNIT'
[Unit]
DefaultDependencies=no
After=local-fs.target systemd-tmpfiles-setup.service
Before=jit-guard.service jitd.service jitd.socket
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mkdir -p /run/seen; cat /etc/group /etc/gshadow > /run/seen/early'
[Install]
WantedBy=sysinit.target
UNIT
mkdir -p /etc/systemd/system/systemd-user-sessions.service.d
cat > /etc/systemd/system/systemd-user-sessions.service.d/seen.conf <<'UNIT'
[Service]
ExecStartPre=/bin/sh -c 'cat /etc/group /etc/gshadow > /run/seen/gate'
ExecStartPre=/bin/sh -c '! /usr/local/lib/bed/as alice sudo -n /usr/bin/id && ! /usr/local/lib/bed/as alice sudo -n -g docker id && touch /run/seen/gate-closed; true'
UNIT
systemctl daemon-reload
systemctl enable seen-early.service
systemctl reload jitd
until /usr/local/lib/bed/as alice jitctl roles | grep -q docker; do sleep 0.2; done
