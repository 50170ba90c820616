//! The stories: who does what to a request, and what comes of it.

/// Roles that need somebody's approval.
pub(super) const POLICY: &str = r#"
[role.vault]
summary = "Look into the vault"
risk    = "high"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/cat", "/etc/hostname"]] }

[role.quick]
summary = "Wanted at once or not at all"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/cat", "/etc/hostname"]] }

[role.pair]
summary = "Two of the same kind"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/cat", "/etc/hostname"]] }

[role.orphan]
summary = "Nobody can approve it"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/cat", "/etc/hostname"]] }

[role.mine]
summary = "Only alice can approve it"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/cat", "/etc/hostname"]] }

[[rule]]
name         = "the vault with two people behind it"
roles        = ["vault"]
eligible     = { groups = ["oncall"] }
max_duration = "30m"
approvals    = [{ count = 1, by = { groups = ["leads"] } }, { count = 1, by = { groups = ["security"] } }]
pending_timeout = "2h"

[[rule]]
name         = "quick"
roles        = ["quick"]
eligible     = { groups = ["oncall"] }
max_duration = "30m"
approvals    = [{ by = { groups = ["leads"] } }]
pending_timeout = "10s"

[[rule]]
name         = "pair"
roles        = ["pair"]
eligible     = { groups = ["oncall"] }
max_duration = "30m"
approvals    = [{ count = 2, by = { groups = ["leads"] } }]

[[rule]]
name         = "orphan"
roles        = ["orphan"]
eligible     = { groups = ["oncall"] }
max_duration = "30m"
approvals    = [{ by = { groups = ["empties"] } }]

[[rule]]
name         = "mine"
roles        = ["mine"]
eligible     = { groups = ["oncall"] }
max_duration = "30m"
approvals    = [{ by = { users = ["alice"] } }]
"#;

/// One thing that happens. `ID` in words is the request of the story.
pub(super) enum Step {
    /// Asks for a role and does not wait; the request is open.
    Asks(&'static str, &'static str),
    /// Says this to jitctl and is content with the answer, which says this.
    Says(&'static str, &'static str, &'static str),
    /// Says this to jitctl and is refused, in these words.
    IsRefused(&'static str, &'static str, &'static str),
    /// The same, as the first who logged in as the second: `su`, `sudo -u`.
    IsRefusedAs(&'static str, &'static str, &'static str, &'static str),
    /// Root does this to the host.
    Host(&'static str),
    /// jitd is killed and starts again.
    Restart,
    /// Alice has it now.
    Granted,
    /// Alice has nothing, and the request is still open.
    Waits,
    /// Alice has nothing, and the request is closed for this cause.
    Closed(&'static str),
    /// The grant is for so many seconds.
    For(i64),
}

use Step::{Asks, Closed, For, Granted, Host, IsRefused, IsRefusedAs, Restart, Says, Waits};

pub(super) const STORIES: &[(&str, &[Step])] = &[
    (
        "one of each kind",
        &[
            Asks("alice", "vault"),
            Waits,
            Says("lena", "approve ID --note fine", "still needed"),
            Waits,
            Says("sina", "approve ID", "alice has vault"),
            Granted,
        ],
    ),
    (
        "nobody decides their own",
        &[
            Asks("alice", "vault"),
            IsRefused("alice", "approve ID", "your own request"),
            IsRefused("alice", "deny ID --note no", "your own request"),
            Waits,
        ],
    ),
    (
        "an approver does not approve their own either",
        &[
            Host("gpasswd -a alice leads"),
            Asks("alice", "vault"),
            IsRefused("alice", "approve ID", "your own request"),
            Says("sina", "approve ID", "still needed"),
            Waits,
            Host("gpasswd -d alice leads"),
        ],
    ),
    (
        "root neither asks nor approves",
        &[
            Asks("alice", "vault"),
            IsRefused("root", "elevate vault", "root may neither ask nor approve"),
            IsRefused("root", "approve ID", "root may neither ask nor approve"),
            Waits,
        ],
    ),
    (
        "whoever became an approver by su is not one",
        &[
            Asks("alice", "vault"),
            IsRefusedAs("lena", "alice", "approve ID", "you logged in as uid"),
            IsRefusedAs("lena", "bob", "approve ID", "you logged in as uid"),
            IsRefusedAs("lena", "bob", "deny ID --note no", "you logged in as uid"),
            Waits,
        ],
    ),
    (
        "whoever may not decide does not even know",
        &[
            Asks("alice", "vault"),
            IsRefused("bob", "approve ID", "there is no open request"),
            IsRefused("dora", "deny ID --note no", "there is no open request"),
            IsRefused("bob", "show ID", "there is no request"),
            IsRefused("olga", "approve ID", "you may not decide about"),
            IsRefused("dora", "cancel ID", "there is no open request"),
            Waits,
        ],
    ),
    (
        "one person is one person in however many groups",
        &[
            Asks("alice", "vault"),
            Says("bea", "approve ID", "still needed"),
            IsRefused("bea", "approve ID", "already"),
            Waits,
            // Bea stands for security now, though she came first for the leads.
            Says("lena", "approve ID", "alice has vault"),
            Granted,
        ],
    ),
    (
        "whoever could stand for both stands for what is missing",
        &[
            Asks("alice", "vault"),
            Says("lena", "approve ID", "still needed"),
            Says("bea", "approve ID", "alice has vault"),
            Granted,
        ],
    ),
    (
        "two of one kind are two people",
        &[
            Asks("alice", "pair"),
            Says("lena", "approve ID", "still needed"),
            IsRefused("lena", "approve ID", "already"),
            Says("lars", "approve ID", "alice has pair"),
            Granted,
        ],
    ),
    (
        "an approver who left the group while it waited counts no more",
        &[
            Asks("alice", "vault"),
            Says("lena", "approve ID", "still needed"),
            Host("gpasswd -d lena leads"),
            Says("sina", "approve ID", "still needed"),
            Waits,
            Says("lars", "approve ID", "alice has vault"),
            Granted,
            Host("gpasswd -a lena leads"),
        ],
    ),
    (
        "a requester who left the group while it waited gets nothing",
        &[
            Asks("alice", "vault"),
            Says("lena", "approve ID", "still needed"),
            Host("gpasswd -d alice oncall"),
            IsRefused("sina", "approve ID", "no longer permitted"),
            Closed("ineligible"),
            Host("gpasswd -a alice oncall"),
        ],
    ),
    (
        "a deny that came while it waited holds",
        &[
            Asks("alice", "vault"),
            Host(
                "echo '[[deny]]\nname = \"not now\"\nroles = [\"vault\"]\nsubjects = { users = [\"alice\"] }' \
                  > /etc/jit/policy.d/90-deny.toml",
            ),
            Says("lena", "approve ID", "still needed"),
            IsRefused("sina", "approve ID", "not now"),
            Closed("ineligible"),
            Host("rm /etc/jit/policy.d/90-deny.toml"),
        ],
    ),
    (
        "a role that changed while it waited has to be asked for anew",
        &[
            Asks("alice", "vault"),
            Says("lena", "approve ID", "still needed"),
            Host("sed -i '0,/hostname/s//hosts/' /etc/jit/policy.d/20-approvals.toml"),
            IsRefused("sina", "approve ID", "is not what was approved any more"),
            Closed("ineligible"),
            Host("sed -i '0,/hosts\"/s//hostname\"/' /etc/jit/policy.d/20-approvals.toml"),
        ],
    ),
    (
        "a locked account gets nothing",
        &[
            Asks("alice", "vault"),
            Says("lena", "approve ID", "still needed"),
            Host("usermod -L -e 1 alice"),
            IsRefused("sina", "approve ID", ""),
            Closed("ineligible"),
            Host("usermod -U -e '' alice"),
        ],
    ),
    (
        "an approver shortens and does not lengthen",
        &[
            Asks("alice", "vault"),
            IsRefused("lena", "approve ID --for 31m", "longer than"),
            Says("lena", "approve ID --for 10m", "still needed"),
            IsRefused("sina", "approve ID --for 11m", "longer than"),
            Says("sina", "approve ID --for 5m", "alice has vault"),
            Granted,
            For(300),
        ],
    ),
    (
        "one denial closes it, and there is no second",
        &[
            Asks("alice", "vault"),
            Says("lena", "approve ID", "still needed"),
            Says("sven", "deny ID --note 'ask the owner first'", ""),
            Closed("denied"),
            IsRefused("lars", "deny ID --note no", "denied"),
            IsRefused("sina", "approve ID", "denied"),
            Closed("denied"),
        ],
    ),
    (
        "whoever asked takes it back",
        &[
            Asks("alice", "vault"),
            Says("lena", "approve ID", "still needed"),
            Says("alice", "cancel ID", ""),
            Closed("cancelled"),
            IsRefused("sina", "approve ID", "cancelled"),
        ],
    ),
    (
        "a restart in between changes nothing",
        &[
            Asks("alice", "vault"),
            Restart,
            Says("lena", "approve ID --for 10m", "still needed"),
            Restart,
            Waits,
            IsRefused("lena", "approve ID", "already"),
            Says("sina", "approve ID", "alice has vault"),
            Granted,
            For(600),
        ],
    ),
    (
        "nobody votes while the host is locked",
        &[
            Asks("alice", "vault"),
            Says("lena", "approve ID", "still needed"),
            Host("jitctl lock --note intruder"),
            IsRefused("sina", "approve ID", "locked by root"),
            Waits,
            Host("jitctl unlock"),
            Says("sina", "approve ID", "alice has vault"),
            Granted,
        ],
    ),
    (
        "a denial is taken while the host is locked",
        &[
            Asks("alice", "vault"),
            Host("jitctl lock --note intruder"),
            Says("sven", "deny ID --note 'not now'", ""),
            Closed("denied"),
            Host("jitctl unlock"),
            IsRefused("sina", "approve ID", "denied"),
        ],
    ),
    (
        "an operator denies what is not theirs to approve",
        &[
            Asks("alice", "vault"),
            IsRefused("olga", "approve ID", "you may not decide about"),
            Says("olga", "deny ID --note 'the vault is closed'", ""),
            Closed("denied"),
            Asks("alice", "vault"),
            Says("root", "deny ID --note 'the vault is closed'", ""),
            Closed("denied"),
        ],
    ),
    (
        "whose grants are taken away, and who could get one by a vote, has nothing left",
        &[
            Asks("alice", "vault"),
            Says("lena", "approve ID", "still needed"),
            Says(
                "olga",
                "revoke --user alice --note 'the laptop was stolen'",
                "was only asked for, and is closed",
            ),
            Closed("revoked"),
            IsRefused("sina", "approve ID", "revoked"),
        ],
    ),
    (
        "a lock that revokes leaves no question open",
        &[
            Asks("alice", "vault"),
            Host("jitctl lock --revoke --note intruder"),
            Closed("revoked"),
            Host("jitctl unlock"),
        ],
    ),
    (
        "what nobody could approve is refused at once",
        &[
            IsRefused("alice", "elevate orphan --no-wait", "nobody on this host could give it"),
            IsRefused("alice", "elevate mine --no-wait", "nobody on this host could give it"),
        ],
    ),
    (
        "one question at a time",
        &[
            Asks("alice", "vault"),
            IsRefused("alice", "elevate vault --no-wait", "is still open"),
            Asks("dora", "vault"),
        ],
    ),
];
