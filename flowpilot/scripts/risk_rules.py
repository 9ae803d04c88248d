"""What makes a line of a script risky, as data. Each rule says in words what the line does; `risks` reads them."""

import re
from dataclasses import dataclass

HIGH, MEDIUM = "high", "medium"
_PS, _SH, _PY, _CMD = "powershell", "bash", "python", "cmd"
_ALL = (_PS, _SH, _PY, _CMD)


@dataclass(frozen=True)
class Rule:
    """One kind of danger. `kind` groups rules that say the same of one line; `level` is high or medium."""

    kind: str
    level: str
    words: str
    pattern: re.Pattern[str]
    languages: tuple[str, ...] = _ALL


def _rule(kind: str, level: str, words: str, pattern: str, *languages: str) -> Rule:
    return Rule(kind, level, words, re.compile(pattern, re.IGNORECASE), languages or _ALL)


_HERE = r"(?:^|[\s;|&({`\"'=@/\\])"  # a command starts here
RULES = (
    # --- Deletes ---
    _rule("deletes", HIGH, "Deletes everything below a folder, without asking", _HERE + r"(?:sudo\s+)?rm\s+(?:-\S+\s+)*-\S*(?:r\S*f|f\S*r)\b|rm\s+(?:-\S+\s+)*--recursive", _SH, _PY),
    _rule("deletes", HIGH, "Deletes everything below a folder, without asking", _HERE + r"(?:Remove-Item|ri|rm|rmdir|del|erase|rd)\b(?=.*\s-r(?:ec|$|\s))", _PS),
    _rule("deletes", HIGH, "Deletes everything below a folder, without asking", _HERE + r"(?:rd|rmdir)\b.*/s|\bdel\b.*/s|shutil\.rmtree\(|robocopy\b.*/mir\b|rsync\b.*--delete", _PS, _CMD, _PY, _SH),
    _rule("deletes", MEDIUM, "Deletes files, folders or settings", _HERE + r"(?:Remove-(?:Item|ItemProperty)|Clear-(?:Content|Item|ItemProperty|RecycleBin)|ri|rm|rd|rmdir|del|erase)(?=\s|$)", _PS),
    _rule("deletes", MEDIUM, "Deletes files, folders or settings", _HERE + r"(?:sudo\s+)?(?:rm|rmdir|unlink|shred|truncate)\s|\s-delete\b|os\.(?:remove|unlink|rmdir|removedirs)\(|\.(?:unlink|rmdir)\(", _SH, _PY),
    _rule("deletes", MEDIUM, "Deletes files, folders or settings", _HERE + r"(?:del|erase|rd|rmdir)\s", _CMD),
    _rule("deletes", HIGH, "Deletes users, mailboxes, groups or computers", r"\bRemove-(?:AD\w+|LocalUser|LocalGroup|Mailbox|MgUser|MgGroup|MgDevice|MsolUser|DistributionGroup|UnifiedGroup|VM|Computer)\b", _PS),
    _rule("deletes", HIGH, "Deletes users, mailboxes, groups or computers", r"\b(?:userdel|groupdel|deluser)\s|net1?\s+user\s+\S+\s+/del|\bdsrm\s"),
    _rule("deletes", MEDIUM, "Removes software, printers, drivers or drives", r"\bRemove-(?:Printer|PrinterPort|PrinterDriver|PSDrive|SmbMapping|SmbShare|AppxPackage|AppxProvisionedPackage|NetIPAddress|NetRoute|DnsServerResourceRecord|ScheduledTask|Service)\b|\bUnregister-ScheduledTask\b|\bUninstall-(?:Package|Module|WindowsFeature)\b", _PS),
    _rule("deletes", MEDIUM, "Removes software, printers, drivers or drives", r"\b(?:apt|apt-get|dnf|yum)\s+(?:-\S+\s+)*(?:remove|purge|autoremove|erase)\b|msiexec\S*\s.*/x|wmic\b.*\b(?:uninstall|delete)\b|\bsc(?:\.exe)?\s+delete\b|net\s+use\s+.*/del|schtasks\b.*/delete"),
    _rule("deletes", MEDIUM, "Deletes registry values", r"\breg(?:\.exe)?\s+delete\b"),
    _rule("deletes", HIGH, "Deletes shadow copies or backups", r"vssadmin\S*\s+delete|wbadmin\S*\s+delete|\bGet-WmiObject\s+Win32_ShadowCopy\b.*Delete|wmic\s+shadowcopy\s+delete"),
    _rule("deletes", HIGH, "Deletes logs", r"\bwevtutil\S*\s+(?:cl|clear-log)\b|\bClear-EventLog\b|journalctl\b.*--vacuum"),
    _rule("deletes", MEDIUM, "Deletes stored passwords, certificates or caches", r"cmdkey\S*\s+\S*/delete|certutil\S*\s+.*-delstore|\bklist\s+purge\b"),
    _rule("deletes", HIGH, "Deletes rows of a database", r"\b(?:DROP\s+(?:TABLE|DATABASE)|TRUNCATE\s+TABLE|DELETE\s+FROM)\b"),
    # --- Formats ---
    _rule("formats", HIGH, "Erases or rewrites a disk", r"\b(?:Format-Volume|Clear-Disk|Initialize-Disk|Remove-Partition|Resize-Partition|New-Partition|Set-Partition|Reset-PhysicalDisk)\b", _PS),
    _rule("formats", HIGH, "Erases or rewrites a disk", r"\bmkfs(?:\.\w+)?\s|\bdd\s+.*\bof=|>\s*/dev/(?:sd|nvme|disk|hd)|\b(?:wipefs|fdisk|parted|sgdisk|mkswap|lvremove|vgremove)\s", _SH, _PY),
    _rule("formats", HIGH, "Erases or rewrites a disk", r"(?:^|[\s&|(])format(?:\.com)?\s+[a-z%]:|\bdiskpart\b|\bcipher(?:\.exe)?\s+/w", _PS, _CMD),
    # --- Disables security ---
    _rule("security", HIGH, "Switches protection off", r"Set-MpPreference\b.*-Disable\w+\s+(?:\$?true|1)|Add-MpPreference\b.*-Exclusion|Uninstall-WindowsFeature\s.*Defender|DisableAntiSpyware|DisableRealtimeMonitoring", _PS, _CMD),
    _rule("security", HIGH, "Switches the firewall off or opens it", r"Set-NetFirewallProfile\b.*-Enabled\s+(?:\$?false|0)|advfirewall\s+set\s+\S+\s+state\s+off|firewall\s+set\s+opmode\s+(?:mode=)?disable|\bufw\s+(?:disable|reset)|iptables\s+(?:-F|--flush|-P\s+\w+\s+ACCEPT)|nft\s+flush|systemctl\s+(?:\S+\s+)*(?:stop|disable|mask)\s+(?:\S+\s+)*(?:firewalld|ufw|auditd|apparmor|fail2ban|clamav)"),
    _rule("security", MEDIUM, "Opens or changes a firewall rule", r"\b(?:New|Set|Enable|Disable|Remove)-NetFirewallRule\b|advfirewall\s+firewall\s+(?:add|set|delete)\b|\bufw\s+allow\b|iptables\s+-[AI]\b|firewall-cmd\b.*--(?:add|remove)"),
    _rule("security", HIGH, "Weakens what the system checks", r"\bsetenforce\s+0|EnableLUA\b.*\b0\b|\bDisable-(?:BitLocker|LocalUser|WindowsErrorReporting)\b|\bSuspend-BitLocker\b|manage-bde\b.*-(?:off|protectors\s+-disable)|bcdedit\S*\s+/set\s.*(?:testsigning|nointegritychecks|safeboot|recoveryenabled)|SkipCertificateCheck|ServerCertificateValidationCallback|verify\s*=\s*False|curl\b.*\s(?:-k|--insecure)\b|--no-check-certificate|StrictHostKeyChecking[= ]no|_create_unverified_context"),
    _rule("security", HIGH, "Lets everybody read or write", r"\bchmod\s+(?:-\S+\s+)*0?[0-7]?777\b|chmod\s+(?:-\S+\s+)*(?:a|o|ugo)?\+\S*w|icacls\b.*(?:Everyone|\*S-1-1-0):?\(?.*F|os\.chmod\([^)]*0o?777|Set-Acl\b|\bSetAccessRule\b"),
    _rule("security", HIGH, "Changes a password or who is an administrator", r"\b(?:Set-(?:ADAccountPassword|LocalUser|MsolUserPassword)|Reset-\w*Password|Add-(?:LocalGroupMember|ADGroupMember|RoleGroupMember|MsolRoleMember)|Set-MsolUser|Update-MgUser|Unlock-ADAccount|Disable-ADAccount|Enable-ADAccount)\b", _PS),
    _rule("security", HIGH, "Changes a password or who is an administrator", r"\bnet1?\s+(?:user|localgroup)\s+\S+.*(?:/add|/active|\s\*|\s\S*pass\S*)|\b(?:passwd|chpasswd|usermod|visudo)\b|/etc/(?:sudoers|shadow|passwd)\b"),
    _rule("security", HIGH, "Keeps a password in plain text", r"ConvertTo-SecureString\b.*-AsPlainText|(?:password|passwd|pwd|secret|api_?key|token)\s*=\s*['\"][^'\"\s$%]{6,}['\"]"),
    _rule("security", HIGH, "Stops monitoring or backup agents", r"(?:Stop-Service|Set-Service|sc(?:\.exe)?\s+(?:stop|config)|net\s+stop)\b.*\b(?:WinDefend|Sense|MsMpSvc|wscsvc|EventLog|VSS|mpssvc|SentinelAgent|CSFalconService)\b"),
    # --- Downloads and runs ---
    _rule("runs", HIGH, "Downloads code and runs it unseen", r"(?:iwr|irm|curl|wget|Invoke-(?:WebRequest|RestMethod)|DownloadString)\b.*\|\s*(?:iex|Invoke-Expression)\b|(?:iex|Invoke-Expression)\b.*(?:iwr|irm|curl|wget|Invoke-(?:WebRequest|RestMethod)|DownloadString)", _PS),
    _rule("runs", HIGH, "Downloads code and runs it unseen", r"(?:curl|wget)\b.*\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b|(?:ba|z|da|k)?sh\s+(?:-c\s+)?[\"']?(?:<\(|\$\()\s*(?:curl|wget)|(?:curl|wget)\b.*\|\s*(?:sudo\s+)?(?:python\d?|perl|ruby)\b"),
    _rule("runs", HIGH, "Runs text as code", _HERE + r"(?:iex|Invoke-Expression)(?=\s|$|\()|\[scriptblock\]::Create|Add-Type\s+.*-TypeDefinition|\bEncodedCommand\b|powershell\S*\s.*\s-e(?:nc|c)?\s", _PS, _CMD),
    _rule("runs", HIGH, "Runs text as code", r"(?:^|[\s;&|(])eval\s|\bbase64\s+(?:-d|--decode)\b.*\|\s*(?:ba)?sh", _SH),
    _rule("runs", HIGH, "Runs text as code", r"(?<![\w.])(?:eval|exec|__import__)\(|os\.(?:system|popen)\(|shell\s*=\s*True|pickle\.loads?\(|marshal\.loads\(", _PY),
    _rule("runs", MEDIUM, "Downloads a file", r"\b(?:Invoke-WebRequest|iwr|Start-BitsTransfer|DownloadFile|DownloadString)\b|bitsadmin\S*\s.*/transfer|certutil\S*\s.*-urlcache|(?:curl|wget)\s.*(?:-o|-O|--output)\b|^\s*wget\s+\S*https?:|urlretrieve\("),
    _rule("runs", HIGH, "Runs code that another program hides", r"\b(?:mshta|rundll32|regsvr32|wscript|cscript|installutil)(?:\.exe)?\s+\S*(?:https?:|javascript:|vbscript:|\.(?:js|vbs|hta|sct))"),
    _rule("runs", MEDIUM, "Installs software", r"\b(?:Install-(?:Module|Package|Script|WindowsFeature)|winget\s+(?:install|upgrade)|choco\s+(?:install|upgrade)|Add-AppxPackage)\b|msiexec\S*\s.*/i|\b(?:apt|apt-get|dnf|yum|pip3?|npm)\s+(?:-\S+\s+)*(?:install|upgrade|dist-upgrade)\b"),
    _rule("runs", HIGH, "Starts something by itself later", r"\b(?:Register-ScheduledTask|New-ScheduledTask|New-Service)\b|schtasks\b.*/create|\bsc(?:\.exe)?\s+create\b|\bcrontab\s+(?!-l)|\\CurrentVersion\\Run\b"),
    # --- Changes policy ---
    _rule("policy", HIGH, "Changes which scripts may run", r"\bSet-ExecutionPolicy\b|-ExecutionPolicy\s+(?:Bypass|Unrestricted)|-ep\s+bypass"),
    _rule("policy", MEDIUM, "Changes policy", r"\b(?:Set|New|Remove|Import)-GP\w+|\bsecedit\b.*/configure|\bauditpol\b.*/(?:set|clear|remove)|\\Policies\\|\bgpupdate\b.*/force|\b(?:New|Set|Remove)-(?:\w*ConditionalAccess\w*|TransportRule|InboundConnector|OutboundConnector|SafeLinksPolicy|AntiPhishPolicy|OrganizationConfig|CASMailbox|AuthenticationPolicy|CsTeams\w*Policy)\b|\bsysctl\s+-w\b"),
    _rule("policy", MEDIUM, "Changes the registry", r"\b(?:New|Set)-ItemProperty\b.*(?:HKLM|HKCU|Registry::)|\breg(?:\.exe)?\s+(?:add|import)\b|\bregedit\S*\s+/s\b|winreg\.(?:SetValueEx?|DeleteKey|DeleteValue|CreateKey)"),
    _rule("policy", MEDIUM, "Changes network settings", r"\b(?:Set|New)-(?:NetIPAddress|NetIPInterface|DnsClientServerAddress|NetAdapter\w*|NetRoute|NetConnectionProfile)\b|\b(?:Disable|Restart|Rename)-NetAdapter\b|netsh\s+(?:int|interface|winsock|wlan)\S*\s+.*\b(?:set|reset|add|delete|disable)\b|\broute\s+(?:add|delete|-f)\b|\bip\s+(?:link|addr|route)\s+(?:set|add|del|flush|replace)|\bnmcli\s+\S+\s+(?:modify|down|delete)|>+\s*/etc/(?:hosts|resolv\.conf|fstab)"),
    # --- Needs elevation ---
    _rule("elevation", MEDIUM, "Needs an elevated session", r"#\s*Requires\s+-RunAsAdministrator|-Verb\s+RunAs\b|\brunas(?:\.exe)?\s+/|(?:^|[\s;&|(])(?:sudo|doas|su)\s+(?!-l)\S|\bDISM(?:\.exe)?\s|\bsfc(?:\.exe)?\s+/scannow|chkdsk\S*\s.*/[fr]\b|\bRepair-(?:WindowsImage|Volume)\b|IsInRole\(.*Administrator"),
    # --- Reboots, and what interrupts people ---
    _rule("reboots", HIGH, "Restarts or switches off the machine", r"\b(?:Restart|Stop)-Computer\b|(?:^|[\s;&|('\"])(?:sudo\s+)?(?:shutdown|reboot|poweroff|halt)(?:\.exe)?(?=\s|$|['\")])|\bsystemctl\s+(?:reboot|poweroff|halt|isolate)|\binit\s+[06]\b|InitiateSystemShutdown"),
    _rule("reboots", HIGH, "Signs people out", r"(?:^|[\s;&|('\"])(?:logoff|tsdiscon|rwinsta)(?:\.exe)?(?=\s|$)|\bRevoke-\w*(?:SignInSession|RefreshToken)\w*|\bloginctl\s+(?:terminate|kill)"),
    _rule("reboots", MEDIUM, "Stops a service or a program that people may be using", r"\b(?:Stop-Service|Restart-Service|Suspend-Service|Stop-Process|spps|kill)(?=\s|$)|\btaskkill\b|\bnet\s+stop\b|\bsc(?:\.exe)?\s+(?:stop|config)\b|\bSet-Service\b|\b(?:pkill|killall)\s|systemctl\s+(?:\S+\s+)*(?:stop|restart|disable|mask)\b|\bservice\s+\S+\s+(?:stop|restart)|\biisreset\b|\.(?:kill|terminate|CloseMainWindow)\(|os\.kill\("),
)  # fmt: skip
