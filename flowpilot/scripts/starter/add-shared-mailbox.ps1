#Requires -Version 5.1
#Requires -Modules ExchangeOnlineManagement
if (-not (Get-ConnectionInformation -ErrorAction SilentlyContinue)) {
    Connect-ExchangeOnline -ShowBanner:$false
}

$target = Get-EXOMailbox -Identity $Mailbox -ErrorAction Stop
if ($target.RecipientTypeDetails -ne 'SharedMailbox') {
    Write-Warning "$Mailbox is no shared mailbox but a $($target.RecipientTypeDetails)."
}
Add-MailboxPermission -Identity $Mailbox -User $User -AccessRights FullAccess -AutoMapping $AutoMapping | Out-Null
if ($SendAs) {
    Add-RecipientPermission -Identity $Mailbox -Trustee $User -AccessRights SendAs -Confirm:$false | Out-Null
}
Get-MailboxPermission -Identity $Mailbox -User $User | Select-Object -Property 'Identity', 'User', 'AccessRights'
