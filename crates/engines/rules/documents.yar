// Documents that run something when they are opened.

rule Macro_AutoRunShell
{
    meta:
        description = "a macro that runs by itself and starts programs or downloads"
        kind = "macro"
    strings:
        $module = /^Attribute VB_\w+ =/ nocase
        $auto = /\bSub\s+(Auto_?Open|Auto_?Exec|Auto_?Close|Document_Open|Document_Close|Workbook_Open|Workbook_Activate)\b/ nocase
        $run1 = /\bCreateObject\s*\(\s*"(WScript\.Shell|Shell\.Application|MSXML2\.XMLHTTP|MSXML2\.ServerXMLHTTP|WinHttp\.WinHttpRequest)/ nocase
        $run2 = /\bGetObject\s*\(\s*"winmgmts:/ nocase
        $run3 = /\bShell\s*\(?\s*"[^"\r\n]{0,100}(cmd|powershell|mshta|wscript|cscript|rundll32|regsvr32|certutil)\b/ nocase
        $run4 = "URLDownloadToFile" nocase
    condition:
        $module and $auto and any of ($run*)
}

rule Rtf_EquationUpdate
{
    meta:
        description = "an RTF document with an embedded equation object that is activated on opening"
        kind = "exploit"
    strings:
        $data = /\\\*?\\?objdata\b/
        // "Equation.3" in hexadecimal
        $equation = "4571756174696f6e2e33" nocase
        $update1 = /\\objupdate\b/
        $update2 = /\\objautlink\b/
    condition:
        uint32be(0) == 0x7B5C7274 and $data and $equation and any of ($update*)
}

rule Pdf_LaunchCommand
{
    meta:
        description = "a PDF that starts a command interpreter"
        kind = "exploit"
    strings:
        $pdf = "%PDF-"
        $launch = /\/S\s{0,8}\/Launch\b/
        $command = /\/F\s{0,8}\(\s*[^)\r\n]{0,100}(cmd|powershell|mshta|wscript|cscript|rundll32)(\.exe)?\s*\)/ nocase
    condition:
        $pdf in (0..1024) and $launch and $command
}

rule Pdf_ScriptRunsAttachment
{
    meta:
        description = "a PDF whose script saves and opens an attached file"
        kind = "dropper"
    strings:
        $pdf = "%PDF-"
        $script = /\/JavaScript\b/
        $start1 = /\/OpenAction\b/
        $start2 = /\/AA\b/
        $export = /exportDataObject\s{0,8}\(\s{0,8}\{[^}]{0,200}nLaunch\s{0,8}:\s{0,8}[12]/
    condition:
        $pdf in (0..1024) and $script and any of ($start*) and $export
}

rule Ooxml_RemoteTemplate
{
    meta:
        description = "an Office document that loads its template, and its macros, from the Internet"
        kind = "dropper"
    strings:
        $relations = "<Relationships" nocase
        $template = /<Relationship\s[^>]{0,300}\/attachedTemplate"[^>]{0,1000}>/ nocase
        $target = /\bTarget\s?=\s?"(https?:|ftp:|\\\\|file:\/\/\/?\\\\)[^"]{1,900}"/ nocase
        $external = /\bTargetMode\s?=\s?"External"/ nocase
        $name = /\.(dotm?|dotx|doc)\b/ nocase
    condition:
        filesize < 100KB and $relations and $template and $target and $external and $name
}

rule Csv_DdeCommand
{
    meta:
        description = "a table with a cell that runs a command in a spreadsheet program"
        kind = "exploit"
    strings:
        $cell = /(^|[\r\n,;\t"])[=+\-@][^\r\n,;|]{0,40}\b(cmd|powershell|mshta|rundll32)(\.exe)?\|\s*['"]{1,2}\s{0,4}[^\r\n'"]{2,400}['"]{1,2}!/ nocase
    condition:
        filesize < 10MB and $cell
}
